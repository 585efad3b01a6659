import type { Log } from "../report/log.ts";

/** What `create` and `run` are asked for. Paths are absolute unless said. */
export interface CreateRequest {
  /** The state root. */
  readonly root: string;
  readonly id: string;
  readonly bundle: string;
  readonly pidFile?: string;
  /** As typed: relative to the bundle. */
  readonly consoleSocket?: string;
  /** As typed: relative to the bundle. */
  readonly pidfdSocket?: string;
  readonly noPivot: boolean;
  readonly noNewKeyring: boolean;
  /** How many descriptors from 3 on go to the container's process: of socket activation, then --preserve-fds. */
  readonly preserveFds: number;
  /** What the container's process is told of socket activation. */
  readonly activation?: readonly string[];
  /** The service manager's, to which the container's process says that it is ready: NOTIFY_SOCKET, sd_notify(3). */
  readonly notifySocket?: string;
  readonly systemdCgroup: boolean;
  readonly rootless: boolean | "auto";
  /** What is planned comes back from a checkpoint. */
  readonly restores?: true;
  readonly log: Log;
}
