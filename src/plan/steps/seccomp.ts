import { PR_SET_DUMPABLE } from "../../../native-bindings/constants.ts";
import { load } from "../../program/builder.ts";
import { Message } from "../../program/layout.ts";
import type { Step, StepKind } from "../step.ts";
import { awaitByte } from "./begin.ts";

/** Installs the compiled filter. seccomp(2). Whatever follows passes it too. */
export interface InstallFilter extends Step {
  readonly kind: "install-filter";
  /** struct sock_filter array, 8 bytes each. */
  readonly bpf: Uint8Array;
  /** SECCOMP_FILTER_FLAG_*. */
  readonly flags: number;
  /** The flags ask for a listener: the runtime takes its descriptor over and hands it to the agent. */
  readonly listener: boolean;
  /** The runtime may take it from a dumpable process only: an ordinary user's, who has no right to look into others. ptrace(2). */
  readonly dumpable: boolean;
}

export const installFilter: StepKind<InstallFilter> = {
  kind: "install-filter",
  emit(c, step) {
    const { p } = c;
    const SECCOMP_SET_MODE_FILTER = 1;
    const filter = p.constant(step.bpf);
    // struct sock_fprog, 16 bytes: len u16 at 0, filter* at 8.
    const program = p.constantWords([step.bpf.length / 8, 0, filter, 0]);
    if (!step.listener) {
      p.call(p.nr.seccomp, SECCOMP_SET_MODE_FILTER, step.flags, program);
      return;
    }
    const message = p.dataWords([Message.Listener, 0, 0]);
    p.slotNames.set(message + 4, "listener");
    if (step.dumpable) p.call(p.nr.prctl, PR_SET_DUMPABLE, 1);
    p.call(p.nr.seccomp, SECCOMP_SET_MODE_FILTER, step.flags, program).save(message + 4);
    p.call(p.nr.write, c.sync, message, 12);
    awaitByte(c);
    p.call(p.nr.close, load(message + 4));
  },
  describe: (step) =>
    `install the seccomp filter (${step.bpf.length} bytes)${step.listener ? " and hand its listener over" : ""}`,
  failure: () => "unable to init seccomp: error loading seccomp filter into kernel",
  hint: (_, errno) =>
    errno === 13
      ? "without process.noNewPrivileges it needs CAP_SYS_ADMIN in the container's user namespace"
      : undefined,
};
