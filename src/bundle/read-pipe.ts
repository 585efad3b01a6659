import { POLLIN } from "../../native-bindings/constants.ts";
import { EAGAIN } from "../../native-bindings/errno.ts";
import { addressOf, syscall, syscallRetry } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { RuntimeFault } from "../report/fault.ts";
import { mostBytes } from "./read-document.ts";

/** How long whoever writes it may be silent. */
const LIMIT_SECONDS = 10;
const CHUNK_BYTES = 65536;

/**
 * Everything that is written to a pipe until its end.
 *
 * @param fd open for reading, not blocking.
 * @param name for messages.
 * @throws RuntimeFault when it is more than a document may be, or nothing comes for 10 s.
 */
export function readPipe(fd: number, name: string): Uint8Array {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const pollfd = new Int32Array([fd, POLLIN]);
  const limit = new BigInt64Array(2);
  for (;;) {
    limit[0] = BigInt(LIMIT_SECONDS);
    // A FIFO that nobody has opened for writing yet has no end: that is waited for, too.
    if (syscallRetry(SYS.ppoll, addressOf(pollfd), 1, addressOf(limit), 0, 8) === 0) {
      throw new RuntimeFault({ what: `read ${name}: nothing was written to it for ${LIMIT_SECONDS} s`, errno: 110 });
    }
    const chunk = new Uint8Array(CHUNK_BYTES);
    const count = syscall(SYS.read, fd, addressOf(chunk), CHUNK_BYTES);
    if (count === -EAGAIN) continue;
    if (count < 0) throw new RuntimeFault({ what: `read ${name}`, errno: -count });
    if (count === 0) return Buffer.concat(chunks);
    size += count;
    if (size > mostBytes) throw new RuntimeFault({ what: `read ${name}: larger than ${mostBytes} bytes` });
    chunks.push(chunk.subarray(0, count));
  }
}
