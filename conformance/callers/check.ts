/** What became of one check, as it travels from inside the namespaces to the command: a line of JSON each. */
export interface CheckResult {
  readonly name: string;
  readonly ok: boolean;
  /** What was wrong; empty when nothing was. */
  readonly why: string;
  /** Why this machine cannot do it whatever the runtime; empty when it can. */
  readonly machine: string;
}

/**
 * Does one check and reports it on stdout. A check that fails ends nothing: the next ones still say something.
 *
 * @param body throws when something is not as it should be.
 * @param machine the reason why this machine cannot do it, if it cannot. It is tried all the same.
 */
export async function check(name: string, body: () => unknown, machine = ""): Promise<boolean> {
  let why = "";
  try {
    await body();
  } catch (error) {
    why = error instanceof Error ? error.message : String(error);
  }
  const result: CheckResult = { name, ok: why === "", why, machine };
  console.log(JSON.stringify(result));
  return result.ok;
}

/** @throws when they are not the same. */
export function equal(actual: string | number, expected: string | number): void {
  if (actual !== expected) throw new Error(`${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
}

/** @throws when one of the expressions is not found in the text. */
export function matches(text: string, ...expressions: readonly RegExp[]): void {
  for (const expression of expressions) {
    if (!expression.test(text)) throw new Error(`${expression} is not found in ${JSON.stringify(text.slice(-1500))}`);
  }
}

/** Tries until it does not throw, for ten seconds. @throws what it threw last. */
export async function eventually(body: () => unknown): Promise<void> {
  for (let attempt = 0; ; attempt++) {
    try {
      await body();
      return;
    } catch (error) {
      if (attempt === 50) throw error;
      await Bun.sleep(200);
    }
  }
}
