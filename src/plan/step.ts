import type { Label, ProgramBuilder, Slot } from "../program/builder.ts";

/**
 * One thing that a start does. Plain, frozen in spirit: operands only, so that a plan can be printed, compared, and read
 * before it happens. Adding a feature means adding a kind of step.
 */
export interface Step {
  readonly kind: string;
  /** JSON Pointer of the config field that asked for it; "" for what every container needs. */
  readonly from: string;
}

/** What a kind of step knows: how it is carried out, and how to speak about it. One file each, in `steps/`. */
export interface StepKind<S extends Step = Step> {
  readonly kind: S["kind"];
  /** Appends the step's operations. `c.p.step` is set already. */
  emit(c: Compilation, step: S): void;
  /** What it does, for explain and debug logs: `mount "proc" (type proc) on /proc`. */
  describe(step: S): string;
  /**
   * What failed, in runc's words where callers match on them: `error mounting "proc" to rootfs at "/proc"`. The errno, the
   * system call and the pointer are added by whoever reports. Default: describe's text.
   */
  failure?(step: S, errno: number): string;
  /** What to do about it, where there is something to be done. */
  hint?(step: S, errno: number): string | undefined;
}

/** What the steps of one program share while they are written down. */
export interface Compilation {
  readonly p: ProgramBuilder;
  /** The sync socket's descriptor number in the program. */
  readonly sync: number;
  /** What is told after `ready` goes here: the result FIFO after create, the sync socket under run. */
  readonly result: number;
  /** The lowest descriptor number that belongs to the program; those below go to the container's process. */
  readonly firstOwn: number;
  /** The lowest number that is closed before the program blocks until start. */
  readonly firstTransient: number;
  /** Descriptor numbers that the parent gave to the program, by name: "fifo", "ns:network", "mount:3" ... */
  readonly given: Readonly<Record<string, number>>;
  /** Addresses of the words with the numbers that the given descriptors have in the runtime, in the order of `given`. */
  readonly sources: readonly Slot[];
  /** Where a program goes whose parent has died: it ends without a word. */
  readonly orphaned: Label;
  /** Where a failure goes that happens after `ready`. */
  readonly failAfterReady: Label;
  /** Saved descriptor of the container's root, O_PATH|O_DIRECTORY|O_CLOEXEC; set by the `root` step. */
  readonly rootfs: Slot;
  /** Saved descriptor of the container's console, when it has a terminal; set by the console step. */
  readonly consoleSlave: Slot;
  /** Saved result of the first chdir to the process's cwd. */
  readonly cwdResult: Slot;
  /** close_range(2) is forbidden by a seccomp filter that is loaded before the program is done with descriptors. */
  readonly closeRangeBlocked: boolean;
  /** Addresses that steps share, by name: see shared-values.ts. */
  readonly shared: Map<string, number>;
}
