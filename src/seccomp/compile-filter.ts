import { MFD_CLOEXEC } from "../../native-bindings/constants.ts";
import { EEXIST, EINVAL, ENOSYS } from "../../native-bindings/errno.ts";
import { close, readAll } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { LinuxSeccomp, LinuxSyscall } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { actionValue, RET_ALLOW, RET_ERRNO, RET_LOG, RET_TRACE, RET_USER_NOTIF } from "./actions.ts";
import { architectureToken, nativeToken } from "./architectures.ts";
import { type Comparison, comparisonSets } from "./comparisons.ts";
import { enosysStub } from "./enosys-stub.ts";
import { CTL_OPTIMIZE, type FilterContext, type Libseccomp, libseccomp, UNKNOWN_SYSCALL } from "./libseccomp.ts";

/** What a seccomp section compiles to. */
export interface CompiledFilter {
  /** struct sock_filter after struct sock_filter: what seccomp(2) loads. */
  readonly bpf: Uint8Array;
  /** Names that libseccomp does not know. They are skipped: a profile names calls of newer kernels too. */
  readonly unknownSyscalls: readonly string[];
}

/** BPF_MAXINSNS: the kernel takes no longer filter. */
const MAX_INSTRUCTIONS = 4096;
const INSTRUCTION_BYTES = 8;

/** Beyond so many rules, as in runc, libseccomp is asked for a binary tree (CTL_OPTIMIZE 2); before 2.6 it gets one of none wrong. */
const TREE_THRESHOLD = 32;

/** The level of seccomp_api_get(3) from which SCMP_ACT_NOTIFY works: libseccomp 2.5 and Linux 5.7. */
const NOTIFY_API_LEVEL = 6;

const pointer = "/linux/seccomp";

/** One call to seccomp_rule_add_array(3). */
interface Rule {
  readonly name: string;
  readonly nr: number;
  readonly action: number;
  readonly comparisons: readonly Comparison[];
  readonly where: string;
}

/**
 * Compiles `linux.seccomp` with libseccomp, to the verdicts that runc gives.
 *
 * The attributes of libseccomp that concern loading (NNP, TSYNC, LOG, SSB) are left alone: this filter is exported, and
 * loaded by the container's first process. Calls of an architecture that is not listed kill the thread (libseccomp's default).
 *
 * @throws RuntimeFault with a JSON Pointer for what is wrong in the section, and when libseccomp is missing or refuses.
 */
export function compileFilter(seccomp: LinuxSeccomp): CompiledFilter {
  const { defaultAction, defaultErrnoRet } = seccomp;
  const fallback = actionValue(
    defaultAction,
    defaultErrnoRet,
    `${pointer}/defaultAction`,
    `${pointer}/defaultErrnoRet`,
  );
  if (fallback === RET_USER_NOTIF) {
    throw new RuntimeFault({
      what: "SCMP_ACT_NOTIFY cannot be used as default action",
      where: `${pointer}/defaultAction`,
    });
  }
  const library = libseccomp();
  const tokens = architectures(seccomp);
  const unknown = new Set<string>();
  const rules = resolveRules(library, seccomp.syscalls ?? [], fallback, unknown);
  const filter = exportFilter(library, fallback, tokens, rules);
  const stub = passesNewCalls(fallback) ? new Uint8Array(0) : enosysStub(largestNumbers(library, tokens, seccomp));
  const bpf = new Uint8Array(stub.length + filter.length);
  bpf.set(stub);
  bpf.set(filter, stub.length);
  if (bpf.length > MAX_INSTRUCTIONS * INSTRUCTION_BYTES)
    throw tooLong(`${bpf.length / INSTRUCTION_BYTES} instructions`);
  return { bpf, unknownSyscalls: [...unknown] };
}

/** The native architecture, always, then those listed. */
function architectures(seccomp: LinuxSeccomp): Set<number> {
  const tokens = new Set([nativeToken()]);
  seccomp.architectures?.forEach((name, i) => {
    const token = architectureToken(name);
    if (token === undefined) {
      throw new RuntimeFault({
        what: `string ${name} is not a valid arch for seccomp`,
        where: `${pointer}/architectures/${i}`,
      });
    }
    tokens.add(token);
  });
  return tokens;
}

/** A tracer decides by itself about calls that are new to it; with ENOSYS as the default there is nothing to add. */
function passesNewCalls(fallback: number): boolean {
  return (
    fallback === RET_ALLOW ||
    fallback === RET_LOG ||
    fallback === (RET_ERRNO | ENOSYS) ||
    fallback - (fallback % 0x10000) === RET_TRACE
  );
}

function resolveRules(
  library: Libseccomp,
  syscalls: readonly LinuxSyscall[],
  fallback: number,
  unknown: Set<string>,
): Rule[] {
  const rules: Rule[] = [];
  const distinct = new Set<string>();
  syscalls.forEach((entry, i) => {
    const where = `${pointer}/syscalls/${i}`;
    const action = actionValue(entry.action, entry.errnoRet, `${where}/action`, `${where}/errnoRet`);
    if (action === RET_USER_NOTIF) checkNotify(library, entry, where);
    const sets = comparisonSets(entry.args ?? [], `${where}/args`);
    // libseccomp refuses a rule that says what happens anyway.
    if (action === fallback) return;
    entry.names.forEach((name, j) => {
      if (name === "")
        throw new RuntimeFault({ what: "empty string is not a valid syscall", where: `${where}/names/${j}` });
      const nr = library.resolveName(name);
      if (nr === UNKNOWN_SYSCALL) {
        unknown.add(name);
        return;
      }
      for (const comparisons of sets) {
        rules.push({ name, nr, action, comparisons, where });
        if (comparisons.length > 0) checkCount(distinct, nr, comparisons);
      }
    });
  });
  return rules;
}

/** Each different condition is an instruction at least, so the kernel's limit is known before libseccomp's long work. */
function checkCount(distinct: Set<string>, nr: number, comparisons: readonly Comparison[]): void {
  distinct.add(`${nr} ${comparisons.map((c) => `${c.index} ${c.operator} ${c.a} ${c.b}`).join()}`);
  if (distinct.size > MAX_INSTRUCTIONS) throw tooLong(`more than ${MAX_INSTRUCTIONS} different argument rules`);
}

function tooLong(found: string): RuntimeFault {
  return new RuntimeFault({
    what: `error loading seccomp filter into kernel: the profile needs ${found}, and the kernel takes ${MAX_INSTRUCTIONS} instructions`,
    where: `${pointer}/syscalls`,
    hint: "drop rules that compare arguments",
  });
}

function checkNotify(library: Libseccomp, entry: LinuxSyscall, where: string): void {
  const level = library.apiGet();
  if (level < NOTIFY_API_LEVEL) {
    throw new RuntimeFault({
      what: `seccomp notify unsupported: API level: got ${level}, want at least ${NOTIFY_API_LEVEL}. Please try with libseccomp >= 2.5.0 and Linux >= 5.7`,
      where: `${where}/action`,
    });
  }
  const write = entry.names.indexOf("write");
  if (write >= 0) {
    throw new RuntimeFault({
      what: "SCMP_ACT_NOTIFY cannot be used for the write syscall",
      where: `${where}/names/${write}`,
    });
  }
}

function exportFilter(library: Libseccomp, fallback: number, tokens: Set<number>, rules: readonly Rule[]): Uint8Array {
  const context = library.init(fallback);
  if (context === null) throw refused("error creating filter", -EINVAL, `${pointer}/defaultAction`);
  try {
    for (const token of tokens) {
      const result = library.archAdd(context, token);
      if (result !== 0 && result !== -EEXIST) {
        throw refused("error adding architecture to seccomp filter", result, `${pointer}/architectures`);
      }
    }
    // libseccomp before 2.5 has no such attribute: its filter is a longer list with the same verdicts.
    if (rules.length > TREE_THRESHOLD) library.attrSet(context, CTL_OPTIMIZE, 2);
    for (const rule of rules) addRule(library, context, rule);
    return exported(library, context);
  } finally {
    library.release(context);
  }
}

/** struct scmp_arg_cmp of every comparison; libseccomp takes at most one an argument. */
const comparisonBytes = 24;

function addRule(library: Libseccomp, context: FilterContext, rule: Rule): void {
  const { comparisons } = rule;
  const view = new DataView(new ArrayBuffer(comparisonBytes * Math.max(comparisons.length, 1)));
  comparisons.forEach(({ index, operator, a, b }, i) => {
    const at = comparisonBytes * i;
    view.setUint32(at, index, true);
    view.setUint32(at + 4, operator, true);
    view.setBigUint64(at + 8, a, true);
    view.setBigUint64(at + 16, b, true);
  });
  const bytes = new Uint8Array(view.buffer);
  const result = library.ruleAddArray(context, rule.action, rule.nr, comparisons.length, bytes);
  if (result !== 0) throw refused(`error adding seccomp filter rule for syscall ${rule.name}`, result, rule.where);
}

function exported(library: Libseccomp, context: FilterContext): Uint8Array {
  const fd = syscall(SYS.memfd_create, cstring("runts:seccomp"), MFD_CLOEXEC);
  if (fd < 0) throw refused("error exporting BPF", fd, pointer);
  try {
    const result = library.exportBpf(context, fd);
    if (result !== 0) throw refused("error exporting BPF", result, pointer);
    syscall(SYS.lseek, fd, 0, 0);
    return readAll(fd, "seccomp filter");
  } finally {
    close(fd);
  }
}

function refused(what: string, result: number, where: string): RuntimeFault {
  return new RuntimeFault({ what, errno: -result, where, call: "libseccomp" });
}

/** By architecture, the largest number that any rule names, whatever the rule's action. */
function largestNumbers(library: Libseccomp, tokens: Set<number>, seccomp: LinuxSeccomp): Map<number, number> {
  const names = new Set(seccomp.syscalls?.flatMap((entry) => entry.names));
  const largest = new Map<number, number>();
  for (const token of tokens) {
    let most = 0;
    for (const name of names) most = Math.max(most, library.resolveNameArch(token, name));
    largest.set(token, most);
  }
  return largest;
}
