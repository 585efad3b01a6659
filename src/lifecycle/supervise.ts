/** Standing by a container that runs in the foreground: its signals, its terminal, its end. */
import { POLLIN, WALL, WNOHANG } from "../../native-bindings/constants.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { receiveWithDescriptors } from "../../native-bindings/unix-socket.ts";

/** Everything that may be sent to stop, poke or continue a program. SIGWINCH is the terminal's, SIGCHLD is ours. */
const FORWARDED: readonly NodeJS.Signals[] = [
  "SIGHUP",
  "SIGINT",
  "SIGQUIT",
  "SIGTERM",
  "SIGUSR1",
  "SIGUSR2",
  "SIGALRM",
  "SIGCONT",
  "SIGTSTP",
  "SIGTTIN",
  "SIGTTOU",
  "SIGVTALRM",
  "SIGIO",
  "SIGPWR",
  "SIGXCPU",
];

/** From now on signals to this process go to the container's init. */
export function forwardSignals(pidfd: number): void {
  for (const name of FORWARDED) {
    process.on(name, (_, number) => {
      syscall(SYS.pidfd_send_signal, pidfd, number, 0, 0);
    });
  }
}

/** Most short programs end within this time: waiting for them does not need the event loop. */
const SYNCHRONOUS_WAIT_MS = 100;

/**
 * Waits for init's end, and reaps it and every orphan that comes to this process.
 *
 * @param console the socket that the console's master arrives through, if this process shows the terminal.
 * @param ended what is to be done then, with the exit status as a shell would give it.
 */
export function superviseInit(
  pid: number,
  pidfd: number,
  console: number | undefined,
  ended: (status: number) => number,
): number | Promise<number> {
  if (console !== undefined) {
    const { fds } = receiveWithDescriptors(console, 4096, 10_000);
    const { relayTerminal } = require("../console/relay.ts") as typeof import("../console/relay.ts");
    return relayTerminal(fds[0]!, () => exitStatus(pid)).then(ended);
  }
  const pollfd = new Int32Array([pidfd, POLLIN]);
  const limit = new BigInt64Array([0n, BigInt(SYNCHRONOUS_WAIT_MS * 1_000_000)]);
  // A signal interrupts it, and is forwarded by the event loop.
  syscall(SYS.ppoll, addressOf(pollfd), 1, addressOf(limit), 0, 8);
  const status = exitStatus(pid);
  if (status !== undefined) return ended(status);
  return new Promise((resolve, reject) => {
    const look = () => {
      const status = exitStatus(pid);
      if (status === undefined) return;
      clearInterval(alive);
      process.off("SIGCHLD", look);
      try {
        resolve(ended(status));
      } catch (error) {
        reject(error);
      }
    };
    process.on("SIGCHLD", look);
    // Keeps the event loop alive, and makes up for a signal that came before the handler was there.
    const alive = setInterval(look, 1000);
    look();
  });
}

/** Reaps whoever has ended. @returns init's exit status (128 + signal), or undefined while it runs. */
function exitStatus(init: number): number | undefined {
  const words = new Int32Array(1);
  let result: number | undefined;
  for (;;) {
    const pid = syscall(SYS.wait4, -1, addressOf(words), WNOHANG | WALL, 0);
    if (pid <= 0) return result;
    if (pid !== init) continue;
    const signal = words[0]! & 127;
    result = signal === 0 ? (words[0]! >> 8) & 255 : 128 + signal;
  }
}
