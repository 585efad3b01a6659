/** What the process inside the namespaces is told: one caller, one runtime, and what is theirs alone. */
export interface Place {
  /** A key of `callers`. */
  readonly caller: string;
  /** The runtime's executable, absolute. */
  readonly runtime: string;
  /** A directory for daemons' data, sockets, images; removed afterwards. */
  readonly scratch: string;
  /** A cgroup at the root of every hierarchy, ready for containers below it; removed afterwards. One word, no slashes. */
  readonly cgroup: string;
  /** Where crictl is, for the caller that needs it. */
  readonly crictl: string;
  /** How many containers the measurement of load starts; 0 for the checks instead. */
  readonly load: number;
}
