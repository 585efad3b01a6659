/**
 * What the executable does that a snapshot is taken of (docs/architecture.md, "The snapshot"): it carries out the commands that callers send
 * most, so that the engine has made their functions ready, and then it waits, for whoever reads its memory. A process that begins
 * with that memory goes on from there, with a caller's words of its own.
 */
import { callersArguments } from "../../native-bindings/caller-words.ts";
import { O_RDWR, readText, tryOpen } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { PAUSE } from "../../native-bindings/snapshot-mode.ts";
import { forgetUserNamespace } from "../../native-bindings/user-namespace.ts";

/** Where the record of the executable's entry is, and the thread pointer's place in it: scripts/entry/layout.ts. */
declare const RUNTS_RECORD_ADDRESS: number;
const THREAD_OFFSET = 40;

// asm/unistd_64.h, asm/prctl.h: snapshots are of x86_64 only.
const ARCH_PRCTL = 158;
const ARCH_GET_FS = 0x1003;
const F_GETFD = 1;
const FCNTL = 72;

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
  syscall(ARCH_PRCTL, ARCH_GET_FS, RUNTS_RECORD_ADDRESS + THREAD_OFFSET);
  syscall(PAUSE);
  openStandardStreams();
}

/** As the engine does it when it starts: what the caller has closed leads nowhere, and is no other file's number. */
function openStandardStreams(): void {
  for (let fd = 0; fd < 3; fd++) {
    if (syscall(FCNTL, fd, F_GETFD) < 0) tryOpen("/dev/null", O_RDWR);
  }
}
