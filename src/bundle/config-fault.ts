/** One thing that is wrong with a document, or doubtful in it. */
export interface ConfigFault {
  /** RFC 6901, "" for the whole document. */
  readonly pointer: string;
  /** In runc's words where callers match on them. */
  readonly message: string;
  readonly value?: unknown;
  /** What would have been right: "an absolute path", "one of ...". */
  readonly expected?: string;
  /** A warning does not keep the container from being created. */
  readonly severity: "fault" | "warning";
}

/** Notes a fault: the document is refused. */
export function fault(into: ConfigFault[], pointer: string, message: string, value?: unknown, expected?: string): void {
  into.push({ pointer, message, value, expected, severity: "fault" });
}

/** Notes a warning: something is ignored, deprecated, or will not do what it seems to say. */
export function warning(into: ConfigFault[], pointer: string, message: string, value?: unknown): void {
  into.push({ pointer, message, value, severity: "warning" });
}

/** A pointer's next part, RFC 6901 section 3: "~" and "/" are escaped. */
export function child(pointer: string, key: string | number): string {
  return `${pointer}/${String(key).replaceAll("~", "~0").replaceAll("/", "~1")}`;
}
