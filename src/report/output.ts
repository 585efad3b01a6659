/** Standard output and standard error, by write(2). A reader that has gone, or a closed descriptor, is not an error. */
import { EAGAIN, EBADF, EPIPE } from "../../native-bindings/errno.ts";
import { addressOf, syscall, syscallRetry, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "./fault.ts";

const POLLOUT = 4;

/**
 * Writes to standard output.
 *
 * Callers close their end (podman does, on `state`) or hand over a read-only /dev/null: EPIPE and EBADF are ignored.
 *
 * @throws RuntimeFault when the answer is lost for another reason (ENOSPC, EIO).
 */
export function writeOut(text: string): void {
  tryWriteOut(text);
}

/** {@link writeOut} for who goes on writing. @returns false when nobody reads. */
export function tryWriteOut(text: string): boolean {
  const failed = writeTo(1, text);
  if (failed !== 0 && failed !== -EPIPE && failed !== -EBADF) {
    throw new RuntimeFault({ what: "cannot write to standard output", errno: -failed });
  }
  return failed === 0;
}

/** Writes to standard error. There is nobody to tell about a failure. */
export function writeError(text: string): void {
  writeTo(2, text);
}

function writeTo(fd: number, text: string): number {
  const bytes = utf8(text);
  const address = bytes.length === 0 ? 0 : addressOf(bytes);
  for (let done = 0; done < bytes.length; ) {
    const count = syscallRetry(SYS.write, fd, address + done, bytes.length - done);
    if (count === -EAGAIN) waitUntilWritable(fd);
    else if (count < 0) return count;
    else done += count;
  }
  return 0;
}

/** The caller may have handed over a non-blocking pipe. */
function waitUntilWritable(fd: number): void {
  const pollfd = new Int32Array([fd, POLLOUT]);
  syscall(SYS.ppoll, addressOf(pollfd), 1);
}
