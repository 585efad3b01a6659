import type { Log } from "../report/log.ts";

/** What `exec` is asked for. Paths are absolute unless said. */
export interface ExecRequest {
  /** The state root. */
  readonly root: string;
  readonly id: string;
  /** A file with the whole process; then the fields of {@link flags} and {@link args} do not count. */
  readonly processFile: string | undefined;
  readonly args: readonly string[];
  readonly flags: ProcessFlags;
  readonly detach: boolean;
  readonly pidFile: string | undefined;
  /** As typed: relative to the bundle, or with a process file to the working directory, as for runc. */
  readonly consoleSocket: string | undefined;
  readonly pidfdSocket: string | undefined;
  /** How many descriptors from 3 on go to the process. */
  readonly preserveFds: number;
  /** --cgroup, each as typed. */
  readonly cgroups: readonly string[];
  readonly ignorePaused: boolean;
  readonly log: Log;
}

/** What the command line changes of the process in config.json. */
export interface ProcessFlags {
  readonly cwd: string;
  readonly env: readonly string[];
  readonly tty: boolean;
  /** As typed: "UID[:GID]". */
  readonly user: string;
  readonly additionalGids: readonly number[];
  readonly processLabel: string;
  readonly apparmor: string;
  readonly noNewPrivileges: boolean | undefined;
  readonly capabilities: readonly string[];
}
