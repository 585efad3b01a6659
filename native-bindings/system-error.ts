import { errnoName, errnoText } from "./errno.ts";

/**
 * A system call that failed: which one, with which arguments, and why.
 *
 * `args` are already readable (`"/sys/fs/cgroup/pids/x", O_WRONLY|O_CLOEXEC`); `errno` is positive.
 */
export class SystemError extends Error {
  readonly call: string;
  readonly args: string;
  readonly errno: number;

  /** By name: the parts of the executable that are files of their own each have this class. */
  static override [Symbol.hasInstance](value: unknown): boolean {
    return value instanceof Error && value.name === "SystemError";
  }

  constructor(call: string, args: string, errno: number) {
    super(`${call}(${args}): ${errnoName(errno)} (${errnoText(errno)})`);
    this.name = "SystemError";
    this.call = call;
    this.args = args;
    this.errno = errno;
  }
}

/** True when `error` is a {@link SystemError} with one of these errno values. */
export function isErrno(error: unknown, ...errnos: number[]): error is SystemError {
  return error instanceof SystemError && errnos.includes(error.errno);
}
