import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLONE_NEWNS } from "../../native-bindings/constants.ts";
import type { Config } from "../bundle/config.ts";
import { ProgramBuilder } from "../program/builder.ts";
import { checkProgram } from "../program/check-program.ts";
import { ERROR_MESSAGE, Message, OPERATION_BYTES, OPERATIONS_ADDRESS, WORD_STEP } from "../program/layout.ts";
import { runProgram } from "../program/spawn-for-test.ts";
import type { MountFacts } from "./mount-facts.ts";
import { planMounts, type RootfsInput } from "./mounts.ts";
import type { Compilation, Step } from "./step.ts";
import { kindOf } from "./step-kinds.ts";

/** Host facts with nothing in them. For tests. */
export const NO_FACTS: MountFacts = {
  sources: [],
  coveredModes: {},
  givesSources: false,
  cgroups: { unified: false, hierarchies: [], root: "/sys/fs/cgroup", own: "/sys/fs/cgroup" },
  kcore: true,
  mayMakeDevices: true,
  selinux: false,
  nullStdio: [],
  hostMounts: [],
};

/** A directory with busybox in it, for as long as `use` takes. For tests. */
export function withRootfs<Result>(use: (rootfs: string, directory: string) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), "runts-rootfs-"));
  try {
    const rootfs = join(directory, "rootfs");
    mkdirSync(join(rootfs, "bin"), { recursive: true });
    cpSync("/bin/busybox", join(rootfs, "bin/busybox"));
    for (const name of ["cat", "ls", "mkdir", "stat", "touch"]) symlinkSync("busybox", join(rootfs, "bin", name));
    return use(rootfs, directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** An input with a config of these parts. For tests. */
export function rootfsInput(rootfs: string, config: object, rest: Partial<RootfsInput> = {}): RootfsInput {
  return {
    config: { process: { cwd: "/", args: ["sh"] }, root: { path: rootfs }, ...config } as unknown as Config,
    rootfs,
    facts: NO_FACTS,
    namespaces: { all: CLONE_NEWNS },
    noPivot: false,
    ...rest,
  };
}

/** The three parts as one program that ends in a shell inside the root; its messages go to standard output. For tests. */
export function rootfsProgram(input: RootfsInput, script: string, unshare = CLONE_NEWNS, given = {}) {
  const plan = planMounts(input);
  const steps: Step[] = [...plan.early, ...plan.jail, ...plan.late];
  const p = new ProgramBuilder();
  const failed = p.fail;
  const c: Compilation = {
    p,
    sync: 1,
    result: 1,
    firstOwn: 3,
    firstTransient: 3,
    given,
    sources: [],
    closeRangeBlocked: false,
    orphaned: p.label(),
    failAfterReady: p.label(),
    rootfs: p.slot("rootfs"),
    consoleSlave: p.slot("console"),
    cwdResult: p.slot("chdir"),
    shared: new Map(),
  };
  // A terminal can be had by the leader of a session only.
  p.call(p.nr.setsid).ignoreError();
  p.call(p.nr.unshare, unshare);
  p.call(p.nr.umask, 0);
  for (let i = 0; i < steps.length; i++) {
    p.step = i;
    kindOf(steps[i]!).emit(c, steps[i]!);
  }
  const busybox = p.string("/bin/busybox");
  p.call(p.nr.execve, busybox, p.stringArray(["sh", "-c", script]), p.stringArray(["PATH=/bin"]));
  p.place(failed);
  p.call(p.nr.write, c.sync, ERROR_MESSAGE, 12).ignoreError();
  p.place(c.orphaned);
  p.place(c.failAfterReady);
  p.call(p.nr.exit_group, 99);
  return { program: p, steps };
}

export interface RootfsRun {
  readonly exitCode: number | null;
  readonly output: string;
  /** The step that failed, and why. */
  readonly failed: { readonly step: Step; readonly errno: number; readonly text: string } | undefined;
  /** What the kernel had to say. */
  readonly kernelText: string;
}

/** Plans, checks, runs. For tests. */
export function runRootfs(input: RootfsInput, script: string, unshare?: number): RootfsRun {
  const { program, steps } = rootfsProgram(input, script, unshare);
  const faults = checkProgram(program).filter(({ what }) => !what.startsWith("can't be reached"));
  if (faults.length > 0) throw new Error(`the program is wrong: ${JSON.stringify(faults)}`);
  const { exitCode, stdout } = runProgram(program);
  if (exitCode !== 99) {
    return { exitCode, output: new TextDecoder().decode(stdout), failed: undefined, kernelText: "" };
  }
  const view = new DataView(stdout.buffer, stdout.byteOffset, stdout.length);
  let at = 0;
  let kernelText = "";
  if (view.getInt32(0, true) === Message.KernelText) {
    const text = new TextDecoder().decode(stdout.subarray(4, 200));
    kernelText = text.slice(0, text.indexOf("\0"));
    at = 200;
  }
  const operation = (view.getUint32(at + 4, true) - OPERATIONS_ADDRESS) / OPERATION_BYTES;
  const step = steps[program.operations()[operation * 12 + WORD_STEP]!]!;
  const errno = -view.getInt32(at + 8, true);
  const kind = kindOf(step);
  return {
    exitCode,
    output: "",
    failed: { step, errno, text: kind.failure?.(step, errno) ?? kind.describe(step) },
    kernelText,
  };
}
