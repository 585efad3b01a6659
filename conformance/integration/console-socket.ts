import { close } from "../../native-bindings/files.ts";
import { addressOf, syscall, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { receiveWithDescriptors } from "../../native-bindings/unix-socket.ts";

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SOCK_CLOEXEC = 0o2000000;

/** A socket that waits at `path` for the runtime to send a descriptor over it, as conmon and containerd's shim have it. */
export function listenForDescriptor(path: string) {
  const address = new Uint8Array(110);
  address[0] = AF_UNIX;
  address.set(utf8(path), 2);
  const listener = checked("socket", syscall(SYS.socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  checked("bind", syscall(SYS.bind, listener, addressOf(address), 2 + utf8(path).length + 1));
  checked("listen", syscall(SYS.listen, listener, 5));
  return {
    /** The text and the one descriptor that were sent. The descriptor belongs to the caller. Throws after 5 s. */
    receive(): { name: string; fd: number; rest: number } {
      const peer = checked("accept4", syscall(SYS.accept4, listener, 0, 0, SOCK_CLOEXEC));
      try {
        const { bytes, fds } = receiveWithDescriptors(peer, 4096, 5000);
        const rest = receiveWithDescriptors(peer, 4096, 5000).bytes.length;
        return { name: new TextDecoder().decode(bytes), fd: fds[0]!, rest };
      } finally {
        close(peer);
      }
    },
    close: () => close(listener),
  };
}

function checked(what: string, result: number): number {
  if (result < 0) throw new Error(`${what}: errno ${-result}`);
  return result;
}
