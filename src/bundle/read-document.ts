/** Reads a JSON document, which anyone may have put there: bounded, never waiting, strict about its bytes. */
import { EISDIR } from "../../native-bindings/errno.ts";
import {
  close,
  fstat,
  O_NONBLOCK,
  O_RDONLY,
  S_IFDIR,
  S_IFIFO,
  S_IFREG,
  tryOpenAt,
} from "../../native-bindings/files.ts";
import { addressOf, syscallRetry, text } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";

/** A config.json of 32 MiB takes a second to validate; real ones have 5 to 50 KiB. */
export const mostBytes = 32 << 20;

/**
 * The text of the regular file `name`, or of the pipe of that name, where the caller may well have given one: a shell's `<(...)`.
 *
 * @param directory a descriptor that `name` is relative to, or AT_FDCWD.
 * @returns undefined when there is none.
 * @throws RuntimeFault when it is not a regular file, too large, or not UTF-8.
 */
export function readDocument(directory: number, name: string, kind?: "or pipe"): string | undefined {
  // Without O_NONBLOCK the open of a FIFO waits for a writer.
  const fd = tryOpenAt(directory, name, O_RDONLY | O_NONBLOCK);
  if (fd === -2) return undefined;
  if (fd < 0) throw new RuntimeFault({ what: `open ${name}`, errno: -fd });
  try {
    const { type, size } = fstat(fd);
    if (type === S_IFDIR) throw new RuntimeFault({ what: `read ${name}`, errno: EISDIR });
    if (type === S_IFIFO && kind === "or pipe") return decode(readPipe(fd, name), name);
    if (type !== S_IFREG) throw new RuntimeFault({ what: `read ${name}: not a regular file` });
    if (size > mostBytes) throw new RuntimeFault({ what: `read ${name}: larger than ${mostBytes} bytes`, value: size });
    return decode(readBytes(fd, size, name), name);
  } catch (error) {
    throw asFault(error, `read ${name}`);
  } finally {
    close(fd);
  }
}

function readBytes(fd: number, size: number, name: string): Uint8Array {
  if (size === 0) return new Uint8Array(0);
  const bytes = new Uint8Array(size);
  const address = addressOf(bytes);
  let done = 0;
  while (done < size) {
    const count = syscallRetry(SYS.read, fd, address + done, size - done);
    if (count < 0) throw new RuntimeFault({ what: `read ${name}`, errno: -count });
    if (count === 0) break;
    done += count;
  }
  return bytes.subarray(0, done);
}

function readPipe(fd: number, name: string): Uint8Array {
  return (require("./read-pipe.ts") as typeof import("./read-pipe.ts")).readPipe(fd, name);
}

function decode(bytes: Uint8Array, name: string): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw new RuntimeFault({ what: `invalid JSON in ${name}: 1:1: begins with a byte order mark` });
  }
  const decoded = text(bytes);
  // The decoder puts U+FFFD for what is not UTF-8: a path would then name another file.
  if (decoded.includes("\ufffd")) {
    try {
      new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    } catch (error) {
      throw new RuntimeFault({ what: `invalid JSON in ${name}: not UTF-8`, cause: error });
    }
  }
  return decoded;
}
