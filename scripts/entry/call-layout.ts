/** Which function is called, and seven arguments. */
export const ARGUMENTS = 8;

/** Offsets in the table. The targets are first. */
export const SLOT = { getArguments: 16, toInteger: 24, fromInteger: 32, createFunction: 40 } as const;

/** Addresses in the module, which is loaded anywhere. */
export interface ModulePlaces {
  readonly code: number;
  readonly table: number;
}

export interface Entries {
  readonly raw: number;
  readonly register: number;
  readonly bytes: Uint8Array;
}
