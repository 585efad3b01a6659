/** One of ajv's error objects, as far as they are used. */
export interface SchemaError {
  readonly instancePath: string;
  readonly keyword: string;
  readonly params: Record<string, unknown>;
}

/** ajv's standalone validator: false leaves every error in `errors`. Made by ../generate.ts. */
export interface Validator {
  (value: unknown): boolean;
  errors?: readonly SchemaError[] | null;
}

export const validateConfig: Validator;
export const validateProcess: Validator;
export const validateLinuxResources: Validator;
