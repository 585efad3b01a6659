import { errnoName, errnoText } from "../../native-bindings/errno.ts";
import { SystemError } from "../../native-bindings/system-error.ts";

/** The facts of a failure. The sentence is made from them, once, in {@link RuntimeFault}. */
export interface FaultFacts {
  /** What failed, in runc's words where callers match on them: "error mounting "tmpfs" to rootfs at "/tmp"". */
  readonly what: string;
  /** A JSON Pointer into config.json ("/linux/namespaces/2/path"), a flag ("--pid-file") or a path. */
  readonly where?: string;
  /** The offending value as the user wrote it. Cut to 100 characters when shown; never a secret. */
  readonly value?: unknown;
  /** Positive. */
  readonly errno?: number;
  /** The system call with readable arguments. */
  readonly call?: string;
  /** What to do about it. */
  readonly hint?: string;
  /** All that is told on standard error, bare, where no log file is asked for. */
  readonly line?: string;
  /** The exit status that the command ends with, 1 unless said. */
  readonly exitCode?: number;
  readonly cause?: unknown;
}

/** A failure that is told to a person: one sentence on what and where, the errno by name, and what to do. */
export class RuntimeFault extends Error {
  readonly facts: FaultFacts;

  /** By name: the parts of the executable that are files of their own each have this class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "RuntimeFault";
  }

  constructor(facts: FaultFacts) {
    super(sentence(facts));
    this.name = "RuntimeFault";
    this.facts = facts;
  }
}

/** At most 100 characters of a value, control characters escaped. */
export function shown(value: unknown): string {
  const text =
    typeof value === "bigint"
      ? `${value}`
      : (JSON.stringify(value, (_, v) => (typeof v === "bigint" ? `${v}` : v)) ?? "");
  return text.length > 100 ? `${text.slice(0, 97)}...` : text;
}

function sentence(facts: FaultFacts): string {
  let line = facts.what;
  if (facts.errno !== undefined) {
    const reason = errnoText(facts.errno);
    if (!line.endsWith(reason)) line += `: ${reason}`;
    line += ` (${errnoName(facts.errno)})`;
  }
  const place: string[] = [];
  if (facts.where !== undefined) place.push(`at ${facts.where}`);
  if (facts.value !== undefined) place.push(`value ${shown(facts.value)}`);
  if (facts.call !== undefined) place.push(facts.call);
  if (place.length > 0) line += ` [${place.join(", ")}]`;
  if (facts.hint !== undefined) line += `; ${facts.hint}`;
  return line;
}

/** Turns whatever was thrown into a fault that says what was being done. A RuntimeFault stays as it is. */
export function asFault(error: unknown, what: string, where?: string): RuntimeFault {
  if (error instanceof RuntimeFault) return error;
  if (error instanceof SystemError) {
    return new RuntimeFault({ what, where, errno: error.errno, call: `${error.call}(${error.args})`, cause: error });
  }
  return new RuntimeFault({
    what: `${what}: ${error instanceof Error ? error.message : String(error)}`,
    where,
    cause: error,
  });
}
