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
