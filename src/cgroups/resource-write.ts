import { RuntimeFault } from "../report/fault.ts";

/** A 64-bit field of config.json: `number` when that is exact. */
export type Integer = number | bigint;

/** One value for one control file of the container's cgroup. */
export interface ResourceWrite {
  /** The hierarchy, by runc's key: "memory"; "" for cgroup2. */
  readonly key: string;
  /** A file name, never a path. */
  readonly file: string;
  readonly value: string;
  /** The field of config.json it comes from. */
  readonly pointer: string;
  /** The errno that means "this kernel does not have it", when the field may then be left out. */
  readonly tolerate?: number;
  /** What is written when `file` does not exist: kernels differ in the I/O scheduler they have. */
  readonly orElse?: { readonly file: string; readonly value: string };
  /**
   * A later file of the same list. Some pairs are valid only together, and which one must come first depends on the
   * values before: after EINVAL this one is written again when `retryAfter` has been.
   */
  readonly retryAfter?: string;
  /** A line for one device, which the file takes only when its content begins with "default". */
  readonly perDevice?: true;
}

/** True when a field asks for something: 0 means "leave it as it is" in most of them, as in runc. */
export function isGiven(value: Integer | null | undefined): value is Integer {
  return value !== undefined && value !== null && value !== 0 && value !== 0n;
}

/** pids.max: 0 allows the one process that there must be, negative is no limit. */
export function pidsMax(limit: Integer): string {
  if (limit < 0) return "max";
  return limit > 0 ? `${limit}` : "1";
}

/** The size in a hugetlb file's name. It becomes part of a path, so nothing but a size may be in it. */
export function hugepageSize(size: string, index: number): string {
  const digits = size.length - 2;
  let valid = digits > 0 && size[digits + 1] === "B" && "KMG".includes(size[digits]!);
  for (let at = 0; at < digits; at++) valid &&= size[at]! >= "0" && size[at]! <= "9";
  if (!valid) {
    throw new RuntimeFault({
      what: "invalid huge page size",
      where: `/linux/resources/hugepageLimits/${index}/pageSize`,
      value: size,
      hint: 'sizes are written "64KB", "2MB", "1GB"',
    });
  }
  return size;
}

/** One line of rdma.max. */
export function rdmaLimit(device: string, limit: { hcaHandles?: Integer; hcaObjects?: Integer }): string {
  let line = device;
  if (limit.hcaHandles !== undefined) line += ` hca_handle=${limit.hcaHandles}`;
  if (limit.hcaObjects !== undefined) line += ` hca_object=${limit.hcaObjects}`;
  return line;
}

/** A member name as part of a JSON Pointer, RFC 6901. */
export function pointerPart(name: string): string {
  return name.replaceAll("~", "~0").replaceAll("/", "~1");
}

/** @throws RuntimeFault when memory and swap together are to be less than memory alone. */
export function checkSwap(limit: Integer | undefined, swap: Integer | undefined): void {
  if (isGiven(limit) && isGiven(swap) && limit > 0 && swap > 0 && swap < limit) {
    throw new RuntimeFault({
      what: "memory+swap limit should be >= memory limit",
      where: "/linux/resources/memory/swap",
      value: swap,
    });
  }
}
