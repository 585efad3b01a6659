import { chmodSync, writeFileSync } from "node:fs";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_DGRAM } from "../../native-bindings/constants.ts";
import { close } from "../../native-bindings/files.ts";
import { addressOf, syscall, text, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { receiveWithDescriptors } from "../../native-bindings/unix-socket.ts";
import { load, ProgramBuilder } from "../../src/program/builder.ts";
import { buildImage } from "../../src/program/image.ts";

const SUN_PATH = 2;
const ADDRESS_BYTES = 110;

/** struct sockaddr_un; a name that begins with "@" is abstract, unix(7). */
function socketAddress(name: string): { bytes: Uint8Array; length: number } {
  const bytes = new Uint8Array(ADDRESS_BYTES);
  bytes[0] = AF_UNIX;
  bytes.set(utf8(name), SUN_PATH);
  if (!name.startsWith("@")) return { bytes, length: ADDRESS_BYTES };
  bytes[SUN_PATH] = 0;
  return { bytes, length: SUN_PATH + name.length };
}

/** A service manager's socket, as systemd has one: sd_notify(3). */
export function manageService(name: string) {
  const fd = syscall(SYS.socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const { bytes, length } = socketAddress(name);
  const bound = syscall(SYS.bind, fd, addressOf(bytes), length);
  if (bound < 0) throw new Error(`bind ${name}: errno ${-bound}`);
  return {
    /** The next message, and the descriptors that came with it: the caller's. Throws after 5 s. */
    receive(): { message: string; fds: readonly number[] } {
      const received = receiveWithDescriptors(fd, 4096, 5000);
      return { message: text(received.bytes), fds: received.fds };
    },
    /** True when nothing has come. */
    silent: () => syscall(SYS.recvfrom, fd, addressOf(bytes), ADDRESS_BYTES, 0x42, 0, 0) === -11,
    close: () => close(fd),
  };
}

/** Puts a program at `path` that sends the messages to the container's notify socket, and ends with 0 when all were taken. */
export function writeNotifyProgram(path: string, messages: readonly string[]): void {
  const p = new ProgramBuilder();
  const socket = p.slot("socket");
  const { bytes, length } = socketAddress("/run/notify/notify.sock");
  p.call(p.nr.socket, AF_UNIX, SOCK_DGRAM, 0).save(socket);
  p.call(p.nr.connect, load(socket), p.constant(bytes), length);
  for (const message of messages) p.call(p.nr.write, load(socket), p.string(message), utf8(message).length);
  p.call(p.nr.exit_group, 0);
  p.place(p.fail);
  p.call(p.nr.exit_group, 1);
  writeFileSync(path, buildImage(p));
  chmodSync(path, 0o755);
}
