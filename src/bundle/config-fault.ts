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
