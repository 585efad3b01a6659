/** The container's program: looked up before start, so that create can say that it is not there; executed at the end. */
import { AT_EACCESS } from "../../../native-bindings/constants.ts";
import { EACCES, EISDIR, ENOENT, ENOSYS, ENOTDIR, EPERM } from "../../../native-bindings/errno.ts";
import { AT_FDCWD, O_CLOEXEC, O_DIRECTORY, O_PATH } from "../../../native-bindings/files.ts";
import { type Label, load, type ProgramBuilder, type Slot } from "../../program/builder.ts";
import { Message } from "../../program/layout.ts";
import type { Step, StepKind } from "../step.ts";
import { emitAwaitFifo, emitReleaseSignals } from "./held-signals.ts";

const X_OK = 1;

/** Fails unless one of the candidates is an executable file for the container's user. */
export interface FindExecutable extends Step {
  readonly kind: "find-executable";
  /** args[0] as the config has it. */
  readonly name: string;
  /** Paths to try in order: one where the name has a slash, else one for each directory of PATH. */
  readonly candidates: readonly string[];
}

export const findExecutable: StepKind<FindExecutable> = {
  kind: "find-executable",
  emit({ p }, { candidates }) {
    const found = p.label();
    const result = p.slot("access");
    const seen = p.slot("seen_error", 0);
    for (const candidate of candidates) {
      const next = p.label();
      const failed = p.label();
      const isDirectory = p.label();
      p.call(p.nr.faccessat2, AT_FDCWD, p.string(candidate), X_OK, AT_EACCESS).save(result).onError(failed);
      // A directory is "executable" as well.
      p.call(p.nr.openat, AT_FDCWD, p.string(candidate), O_PATH | O_DIRECTORY | O_CLOEXEC)
        .save(result)
        .onError(found);
      p.call(p.nr.close, load(result));
      p.jump(isDirectory);
      p.place(failed);
      // A seccomp filter that is loaded already may not know the call: then execve finds out.
      p.jumpIfErrno(result, ENOSYS, found).ignoreError();
      p.jumpIfErrno(result, EPERM, found).ignoreError();
      nextUnless(p, result, next, seen);
      p.place(isDirectory);
      p.xor(-EISDIR, 0).save(seen).ignoreError();
      p.place(next);
    }
    raiseSeen(p, seen);
    p.place(found);
  },
  describe: ({ name }) => `find the executable "${name}"`,
  failure: ({ name }, errno) => lookupFailure(name, errno),
};

/** The errno of a candidate that is there but can't be run is kept; one that is not there is passed over. */
function nextUnless(p: ProgramBuilder, result: Slot, next: Label, seen: Slot): void {
  p.jumpIfErrno(result, ENOENT, next).ignoreError();
  p.jumpIfErrno(result, ENOTDIR, next).ignoreError();
  p.xor(load(result), 0).save(seen).onError(next);
  p.jump(next);
}

/** Fails with the errno that was kept, else with ENOENT. */
function raiseSeen(p: ProgramBuilder, seen: Slot): void {
  const none = p.label();
  p.xor(load(seen), 0).onZero(none);
  p.place(none);
  p.raise(ENOENT);
}

/** runc's words: Docker and Podman choose their exit codes by them. */
function lookupFailure(name: string, errno: number): string {
  if (errno === ENOENT || errno === ENOTDIR) {
    return name.includes("/")
      ? `exec: "${name}": stat ${name}: no such file or directory`
      : `exec: "${name}": executable file not found in $PATH`;
  }
  if (errno === EISDIR) return `exec: "${name}": is a directory`;
  if (errno === EACCES || errno === EPERM) return `exec: "${name}": permission denied`;
  return `exec: "${name}"`;
}

/** Blocks until start, says that it goes on, and closes what is left. */
export interface WaitForStart extends Step {
  readonly kind: "wait-for-start";
  /** By the exec FIFO after create; by the sync socket under run. */
  readonly by: "fifo" | "sync";
  /** Signals were held when the container was told to be ready: one of them ends the wait. */
  readonly holdsSignals: boolean;
}

export const waitForStart: StepKind<WaitForStart> = {
  kind: "wait-for-start",
  emit(c, { by, holdsSignals }) {
    const { p } = c;
    const byte = p.space(1, 1);
    if (by === "sync") {
      p.call(p.nr.read, c.sync, byte, 1).onZero(c.orphaned);
      return;
    }
    const fifo = c.given.fifo!;
    if (holdsSignals) emitAwaitFifo(c, fifo);
    // Opened for reading and writing, so that it never reads as ended, whoever comes and goes.
    p.call(p.nr.read, fifo, byte, 1);
    p.call(p.nr.close, fifo);
    p.call(p.nr.write, c.result, p.constantWords([Message.Started, 0, 0]), 12).ignoreError();
    if (holdsSignals) emitReleaseSignals(c);
  },
  describe: ({ by }) => (by === "fifo" ? "block on the exec FIFO until start" : "block until the runtime says start"),
};

/** Becomes the container's program. */
export interface Execute extends Step {
  readonly kind: "execute";
  readonly name: string;
  readonly candidates: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
}

export const execute: StepKind<Execute> = {
  kind: "execute",
  emit({ p }, { candidates, args, env }) {
    const argv = p.stringArray(args);
    const envp = p.stringArray(env);
    const result = p.slot("execve");
    const seen = p.slot("seen_error", 0);
    for (const candidate of candidates) {
      const next = p.label();
      const failed = p.label();
      p.call(p.nr.execve, p.string(candidate), argv, envp).save(result).onError(failed);
      p.place(failed);
      if (candidates.length === 1) break;
      p.jumpIfErrno(result, ENOENT, next).ignoreError();
      p.jumpIfErrno(result, ENOTDIR, next).ignoreError();
      const denied = p.label();
      p.jumpIfErrno(result, EACCES, denied).ignoreError();
      p.xor(load(result), 0);
      p.place(denied);
      p.xor(load(result), 0).save(seen).onError(next);
      p.place(next);
    }
    if (candidates.length === 1) p.xor(load(result), 0);
    else raiseSeen(p, seen);
  },
  describe: ({ name, args }) => `execute ${[name, ...args.slice(1)].join(" ")}`,
  failure: ({ name }, errno) =>
    errno === ENOENT
      ? `exec ${name}: no such file or directory`
      : errno === EACCES
        ? `exec ${name}: permission denied`
        : `exec ${name}`,
  hint: (_, errno) => {
    if (errno === ENOENT) return "the file is there: its interpreter (the #! line or the dynamic loader) is not";
    if (errno === 8) return "not an executable of this architecture, or a script without a #! line";
    return undefined;
  },
};
