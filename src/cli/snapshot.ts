/**
 * What the executable does that a snapshot is taken of (docs/architecture.md, "The snapshot"): it carries out the commands that callers send
 * most, so that the engine has made their functions ready, and then it waits, for whoever reads its memory. A process that begins
 * with that memory goes on from there, with a caller's words of its own.
 */
import { callersArguments } from "../../native-bindings/caller-words.ts";
import { O_RDWR, readText, tryOpen } from "../../native-bindings/files.ts";
import { addressOf, syscall } from "../../native-bindings/libc.ts";
import { PAUSE } from "../../native-bindings/snapshot-mode.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { forgetUserNamespace } from "../../native-bindings/user-namespace.ts";

/** Where the record of the executable's entry is, and the thread pointer's place in it: scripts/entry/layout.ts. */
declare const RUNTS_RECORD_ADDRESS: number;
const THREAD_OFFSET = 40;

// asm/unistd_64.h, asm/prctl.h: snapshots are of x86_64 only.
const ARCH_PRCTL = 158;
const ARCH_GET_FS = 0x1003;
const F_GETFD = 1;
const CLOSE_RANGE_CLOEXEC = 4;

/** What the engine does with these: it ignores the first two, and by the last its collector has threads stop. */
const ENGINES_SIGNALS = { SIGPIPE: 13, SIGXFSZ: 25, SIGPWR: 30 };
/** struct sigaction of the kernel, with a set of 64 signals. */
const SIGACTION_BYTES = 32;
const SIGSET_BYTES = 8;

/** Set while commands are carried out for the snapshot: they do not end the process (run-command.ts). */
const rehearsal = globalThis as { runtsRehearses?: boolean };

/**
 * Returns in a process that goes on from the snapshot, and only there.
 *
 * @param carryOut carries out one command line.
 */
export function waitForSnapshot(carryOut: (argv: readonly string[]) => void): void {
  const commandLines = JSON.parse(readText(callersArguments()[0]!)) as string[][];
  rehearsal.runtsRehearses = true;
  for (const argv of commandLines) carryOut(argv);
  rehearsal.runtsRehearses = undefined;
  forgetUserNamespace();
  const actions = signalActions();
  syscall(ARCH_PRCTL, ARCH_GET_FS, RUNTS_RECORD_ADDRESS + THREAD_OFFSET);
  syscall(PAUSE);
  beAsTheEngineIs(actions);
}

/** Signal → its action. */
function signalActions(): Map<number, Uint8Array> {
  const actions = new Map<number, Uint8Array>();
  for (const signal of Object.values(ENGINES_SIGNALS)) {
    const action = new Uint8Array(SIGACTION_BYTES);
    syscall(SYS.rt_sigaction, signal, 0, addressOf(action), SIGSET_BYTES);
    actions.set(signal, action);
  }
  return actions;
}

/** What the engine does to its process when it starts, and the rest of the program counts on. */
function beAsTheEngineIs(actions: ReadonlyMap<number, Uint8Array>): void {
  for (const [signal, action] of actions) syscall(SYS.rt_sigaction, signal, addressOf(action), 0, SIGSET_BYTES);
  syscall(SYS.close_range, 3, -1, CLOSE_RANGE_CLOEXEC);
  // What the caller has closed leads nowhere, and is no other file's number.
  for (let fd = 0; fd < 3; fd++) if (syscall(SYS.fcntl, fd, F_GETFD) < 0) tryOpen("/dev/null", O_RDWR);
}
