import { EBADF } from "../../native-bindings/errno.ts";
import { addressOf, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "../report/fault.ts";
import { isCallers } from "./activation.ts";

const F_GETFL = 3;
const O_ACCMODE = 3;
const O_RDONLY = 0;

/** The caller's `--status-fd`: it reads one NUL byte when criu is ready to serve pages, and the end of file after it. */
export class StatusDescriptor {
  private fd: number | undefined;

  /** @throws RuntimeFault when it is not open, or not for writing. */
  constructor(fd: number | undefined) {
    this.fd = fd;
    if (fd === undefined) return;
    const flags = isCallers(fd) ? syscall(SYS.fcntl, fd, F_GETFL) : -EBADF;
    if (flags < 0) throw new RuntimeFault({ what: `invalid --status-fd argument ${fd}`, errno: -flags });
    if ((flags & O_ACCMODE) === O_RDONLY) {
      throw new RuntimeFault({ what: `invalid --status-fd argument ${fd}: not writable` });
    }
  }

  /** Tells the caller. One that has gone away is not missed. */
  ready(): void {
    if (this.fd === undefined) return;
    syscallRetry(SYS.write, this.fd, addressOf(new Uint8Array(1)), 1);
    this.close();
  }

  close(): void {
    if (this.fd !== undefined) syscall(SYS.close, this.fd);
    this.fd = undefined;
  }
}
