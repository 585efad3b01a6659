/** libseccomp, the part that a filter needs: seccomp_init(3), seccomp_rule_add(3), seccomp_export_bpf(3) ... */
import { koffi } from "../../native-bindings/koffi.ts";
import { RuntimeFault } from "../report/fault.ts";

/** A scmp_filter_ctx. */
export type FilterContext = { readonly __filterContext: true };

/** The library's functions in C's terms: 0 or a negative errno, unless said. */
export interface Libseccomp {
  /** null when the action is not one that this library knows. */
  init(defaultAction: number): FilterContext | null;
  release(context: FilterContext): void;
  attrSet(context: FilterContext, attribute: number, value: number): number;
  archAdd(context: FilterContext, token: number): number;
  /** The number on the native architecture; below 0 for one that only other architectures have; -1 when unknown. */
  resolveName(name: string): number;
  resolveNameArch(token: number, name: string): number;
  /** `comparisons`: `count` times struct scmp_arg_cmp { unsigned arg; int op; uint64_t a, b; }. */
  ruleAddArray(context: FilterContext, action: number, nr: number, count: number, comparisons: Uint8Array): number;
  exportBpf(context: FilterContext, fd: number): number;
  /** What the library and this kernel can do together: 3 LOG and KILL_PROCESS, 5 NOTIFY ..., seccomp_api_get(3). */
  apiGet(): number;
  /** "2.5.4". */
  readonly version: string;
}

/** __NR_SCMP_ERROR: the library does not know the name. */
export const UNKNOWN_SYSCALL = -1;
/** SCMP_FLTATR_CTL_OPTIMIZE. */
export const CTL_OPTIMIZE = 8;

export const soname = "libseccomp.so.2";

let loaded: Libseccomp | undefined;

/** The library, loaded on first use. @throws RuntimeFault saying what to install when it is not there. */
export function libseccomp(): Libseccomp {
  loaded ??= bind();
  return loaded;
}

function load() {
  const ffi = koffi();
  try {
    return { ffi, library: ffi.load(soname) };
  } catch (cause) {
    throw new RuntimeFault({
      what: `${soname} cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`,
      where: "/linux/seccomp",
      hint: "a seccomp profile needs libseccomp: install libseccomp2 (Debian, Ubuntu) or libseccomp (Fedora, SUSE, Alpine, Arch)",
      cause,
    });
  }
}

function bind(): Libseccomp {
  const { ffi, library } = load();
  const version = ffi.decode(library.func("void *seccomp_version()")(), "unsigned int", 3) as ArrayLike<number>;
  return {
    init: library.func("void *seccomp_init(uint32_t def_action)"),
    release: library.func("void seccomp_release(void *ctx)"),
    attrSet: library.func("int seccomp_attr_set(void *ctx, int attr, uint32_t value)"),
    archAdd: library.func("int seccomp_arch_add(void *ctx, uint32_t arch_token)"),
    resolveName: library.func("int seccomp_syscall_resolve_name(const char *name)"),
    resolveNameArch: library.func("int seccomp_syscall_resolve_name_arch(uint32_t arch_token, const char *name)"),
    ruleAddArray: library.func(
      "int seccomp_rule_add_array(void *ctx, uint32_t action, int syscall, unsigned int arg_cnt, const void *arg_array)",
    ),
    exportBpf: library.func("int seccomp_export_bpf(void *ctx, int fd)"),
    apiGet: library.func("unsigned int seccomp_api_get()"),
    version: `${version[0]}.${version[1]}.${version[2]}`,
  };
}
