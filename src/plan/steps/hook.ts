import { CLONE_PIDFD, POLLIN, WALL } from "../../../native-bindings/constants.ts";
import { EIO, ETIMEDOUT } from "../../../native-bindings/errno.ts";
import type { POSIXRlimit } from "../../bundle/config.ts";
import { load } from "../../program/builder.ts";
import { Message } from "../../program/layout.ts";
import type { Step, StepKind } from "../step.ts";
import { emitCloseFrom } from "./close-descriptors.ts";
import { rlimitBytes } from "./rlimits.ts";

const CLONE_VM = 0x100;
const CLONE_VFORK = 0x4000;
const SIGCHLD = 17;
const SIGKILL = 9;
const RLIMIT_NOFILE = 7;

/** One createContainer or startContainer hook, which runs inside the container's namespaces. */
export interface InnerHook extends Step {
  readonly kind: "inner-hook";
  readonly hook: "createContainer" | "startContainer";
  readonly index: number;
  readonly path: string;
  readonly args: readonly string[];
  readonly env: readonly string[];
  /** Seconds; the hook is killed then. */
  readonly timeoutSeconds: number;
  /** The given descriptor with the container's state, its own so that its offset is. */
  readonly stdin: string;
  /** The given descriptor that takes its output; undefined: the container's own. */
  readonly output: string | undefined;
  /** The caller's limit of open files, where init still has the engine's. */
  readonly openFiles: POSIXRlimit | undefined;
}

export const innerHook: StepKind<InnerHook> = {
  kind: "inner-hook",
  emit(c, step) {
    const { p } = c;
    const pollfd = p.dataWords([0, POLLIN]);
    const limit = p.dataWords([step.timeoutSeconds, 0, 0, 0]);
    const pid = p.slot("hook");
    const execError = p.slot("hook_execve", 0);
    const message = p.dataWords([Message.HookStatus, 0, 0]);
    p.slotNames.set(pollfd, "hook_pidfd");
    p.slotNames.set(message + 4, "hook_status");
    const child = p.label();
    const timedOut = p.label();
    const done = p.label();

    // With CLONE_VFORK and CLONE_VM the child's execve result is this process's to read. The walker has no stack, so the two
    // cannot disturb each other. Not clone3: a profile that may be in force already commonly refuses it (its flags are out of
    // a filter's sight), and allows this one. The pidfd comes where the third argument says, on every architecture.
    p.call(p.nr.clone, CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, 0, pollfd)
      .save(pid)
      .onZero(child);
    p.xor(load(execError), 0);
    p.call(p.nr.ppoll, pollfd, 1, limit, 0, 8).onZero(timedOut);
    p.call(p.nr.wait4, load(pid), message + 4, WALL, 0);
    p.call(p.nr.close, load(pollfd));
    p.xor(load(message + 4), 0)
      .onZero(done)
      .ignoreError();
    p.call(p.nr.write, step.hook === "startContainer" ? c.result : c.sync, message, 12).ignoreError();
    p.raise(EIO);

    p.place(timedOut);
    p.call(p.nr.pidfd_send_signal, load(pollfd), SIGKILL, 0, 0).ignoreError();
    p.call(p.nr.wait4, load(pid), message + 4, WALL, 0);
    p.raise(ETIMEDOUT);

    p.place(child);
    const fail = p.label();
    const { fail: outer } = p;
    p.fail = fail;
    p.call(p.nr.setpgid, 0, 0).ignoreError();
    p.call(p.nr.dup3, c.given[step.stdin]!, 0, 0);
    if (step.output !== undefined) {
      p.call(p.nr.dup3, c.given[step.output]!, 1, 0);
      p.call(p.nr.dup3, c.given[step.output]!, 2, 0);
    }
    emitCloseFrom(c, 3);
    if (step.openFiles !== undefined) {
      const { soft, hard } = step.openFiles;
      p.call(p.nr.prlimit64, 0, RLIMIT_NOFILE, p.constant(rlimitBytes(soft, hard)), 0).ignoreError();
    }
    p.call(p.nr.execve, p.string(step.path), p.stringArray(step.args), p.stringArray(step.env)).save(execError);
    p.place(fail);
    p.call(p.nr.exit_group, 127);
    p.fail = outer;
    p.place(done);
  },
  describe: ({ hook, index, path }) => `run ${hook} hook #${index}: ${path}`,
  failure: ({ hook, index, timeoutSeconds }, errno) =>
    errno === ETIMEDOUT
      ? `error running ${hook} hook #${index}: hook ran past specified timeout of ${timeoutSeconds.toFixed(1)}s`
      : `error running ${hook} hook #${index}`,
};
