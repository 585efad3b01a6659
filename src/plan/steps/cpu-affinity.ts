import { EINVAL } from "../../../native-bindings/errno.ts";
import type { Step, StepKind } from "../step.ts";

/** On which CPUs the process may run: for one of exec, process.execCPUAffinity. sched_setaffinity(2). */
export interface SetCpuAffinity extends Step {
  readonly kind: "cpu-affinity";
  /** Before it is in its cgroup; in it; or, where none is asked for, any CPU, whatever the runtime was confined to. */
  readonly which: "initial" | "final" | "any";
  /** "0-3,7"; for `any` nothing. Checked by the config's rules. */
  readonly cpus: string;
}

/** The most that a kernel of these architectures can be built for: CONFIG_NR_CPUS is at most 8192. */
const MOST_CPUS = 8192;

export const cpuAffinity: StepKind<SetCpuAffinity> = {
  kind: "cpu-affinity",
  emit({ p }, { which, cpus }) {
    const mask = which === "any" ? new Uint8Array(MOST_CPUS / 8).fill(255) : cpuMask(cpus);
    p.call(p.nr.sched_setaffinity, 0, mask.length, p.constant(mask));
    // Nobody asked for it, and a container without it runs too.
    if (which === "any") p.ignoreError();
  },
  describe: ({ which, cpus }) =>
    which === "any" ? "allow every CPU of the cgroup" : `set the ${which} CPU affinity to ${cpus}`,
  failure: ({ which }) => `error setting ${which} CPU affinity`,
  hint: ({ cpus }, errno) => (errno === EINVAL ? `none of the CPUs ${cpus} is there, and in the cpuset` : undefined),
};

/** A list in the format of cpuset(7) as bits. CPUs beyond any kernel's are left out, as sched_setaffinity itself would. */
export function cpuMask(list: string): Uint8Array {
  const mask = new Uint8Array(MOST_CPUS / 8);
  for (const item of list.split(",")) {
    if (item.trim() === "") continue;
    const [first, last = first] = item.trim().split("-");
    for (let cpu = Number(first); cpu <= Number(last) && cpu < MOST_CPUS; cpu++) mask[cpu >> 3]! |= 1 << (cpu & 7);
  }
  return mask;
}
