import { EPERM } from "../../native-bindings/errno.ts";
import { close, O_DIRECTORY, O_RDONLY, open } from "../../native-bindings/files.ts";
import { addressOf, syscall, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";

// Commands of bpf(2), linux/bpf.h.
const BPF_PROG_LOAD = 5;
const BPF_PROG_ATTACH = 8;
const BPF_PROG_DETACH = 9;
const BPF_PROG_GET_FD_BY_ID = 13;
const BPF_PROG_QUERY = 16;

const BPF_PROG_TYPE_CGROUP_DEVICE = 15;
const BPF_CGROUP_DEVICE = 6;
const BPF_F_ALLOW_MULTI = 2;
const BPF_F_REPLACE = 4;

/**
 * sizeof(union bpf_attr) and more. Always whole and zeroed: BPF_PROG_QUERY of Linux 6.17 to 7.1 writes `revision` at byte
 * 56 whatever size it is told.
 */
export const ATTRIBUTE_BYTES = 160;
/** BPF_CGROUP_MAX_PROGS: no cgroup has more. */
const MAX_PROGRAMS = 64;

const RLIMIT_MEMLOCK = 8;

function bpf(command: number, attribute: DataView): number {
  return syscall(SYS.bpf, command, addressOf(attribute), ATTRIBUTE_BYTES);
}

function attributes(): DataView {
  return new DataView(new ArrayBuffer(ATTRIBUTE_BYTES));
}

function setAddress(view: DataView, at: number, buffer: Uint8Array | Uint32Array): void {
  view.setBigUint64(at, BigInt(addressOf(buffer)), true);
}

/**
 * Loads a program made by `deviceFilter`.
 *
 * @returns its descriptor.
 * @throws SystemError EPERM without CAP_SYS_ADMIN or CAP_BPF, ENOSYS or EINVAL on kernels without cgroup BPF.
 * @see bpf(2)
 */
export function loadDeviceFilter(program: Uint8Array): number {
  const license = utf8("Apache-2.0\0");
  const name = utf8("runts_devices");
  const view = attributes();
  view.setUint32(0, BPF_PROG_TYPE_CGROUP_DEVICE, true);
  view.setUint32(4, program.length / 8, true);
  setAddress(view, 8, program);
  setAddress(view, 16, license);
  new Uint8Array(view.buffer).set(name, 48);
  let fd = bpf(BPF_PROG_LOAD, view);
  // Before Linux 5.11 programs are charged to RLIMIT_MEMLOCK, 64 KiB by default, of which others may have used all.
  if (fd === -EPERM) fd = withoutMemlockLimit(() => bpf(BPF_PROG_LOAD, view));
  if (fd < 0) throw new SystemError("bpf", "BPF_PROG_LOAD, BPF_PROG_TYPE_CGROUP_DEVICE", -fd);
  return fd;
}

/** The limit is put back, because the container inherits what is not its own. */
function withoutMemlockLimit(load: () => number): number {
  const before = new BigUint64Array(2);
  const unlimited = new BigUint64Array([2n ** 64n - 1n, 2n ** 64n - 1n]);
  const raised = syscall(SYS.prlimit64, 0, RLIMIT_MEMLOCK, addressOf(unlimited), addressOf(before));
  if (raised < 0) return -EPERM;
  const fd = load();
  syscall(SYS.prlimit64, 0, RLIMIT_MEMLOCK, addressOf(before), 0);
  return fd;
}

/**
 * Makes `program` the one device filter of a cgroup2 directory.
 *
 * @param isNew whether the directory was just made: then there is nothing to replace.
 * @throws SystemError of open(2) or bpf(2).
 */
export function attachDeviceFilter(directory: string, program: Uint8Array, isNew: boolean): void {
  const filter = loadDeviceFilter(program);
  let cgroup = -1;
  try {
    cgroup = open(directory, O_RDONLY | O_DIRECTORY);
    const old = isNew ? [] : attachedFilters(cgroup);
    try {
      replace(directory, cgroup, filter, old);
    } finally {
      for (const fd of old) close(fd);
    }
  } finally {
    if (cgroup >= 0) close(cgroup);
    close(filter);
  }
}

/** At no moment is the cgroup without a filter: one program is replaced in place, several are detached afterwards. */
function replace(directory: string, cgroup: number, filter: number, old: readonly number[]): void {
  const view = attributes();
  view.setUint32(0, cgroup, true);
  view.setUint32(4, filter, true);
  view.setUint32(8, BPF_CGROUP_DEVICE, true);
  view.setUint32(12, BPF_F_ALLOW_MULTI | (old.length === 1 ? BPF_F_REPLACE : 0), true);
  if (old.length === 1) view.setUint32(16, old[0]!, true);
  const attached = bpf(BPF_PROG_ATTACH, view);
  if (attached < 0) throw new SystemError("bpf", `BPF_PROG_ATTACH, ${JSON.stringify(directory)}`, -attached);
  if (old.length === 1) return;
  for (const fd of old) {
    const detach = attributes();
    detach.setUint32(0, cgroup, true);
    detach.setUint32(4, fd, true);
    detach.setUint32(8, BPF_CGROUP_DEVICE, true);
    const detached = bpf(BPF_PROG_DETACH, detach);
    if (detached < 0) throw new SystemError("bpf", `BPF_PROG_DETACH, ${JSON.stringify(directory)}`, -detached);
  }
}

/**
 * Descriptors of the device filters attached to this directory itself, which the caller closes. Those that this process
 * may not open (a program of a more privileged one) are left out: it could not take them away either.
 */
export function attachedFilters(cgroup: number): number[] {
  const ids = new Uint32Array(MAX_PROGRAMS);
  const query = attributes();
  query.setUint32(0, cgroup, true);
  query.setUint32(4, BPF_CGROUP_DEVICE, true);
  setAddress(query, 16, ids);
  query.setUint32(24, ids.length, true);
  const queried = bpf(BPF_PROG_QUERY, query);
  if (queried < 0) throw new SystemError("bpf", "BPF_PROG_QUERY, BPF_CGROUP_DEVICE", -queried);
  const opened: number[] = [];
  for (const id of ids.subarray(0, query.getUint32(24, true))) {
    const byId = attributes();
    byId.setUint32(0, id, true);
    const fd = bpf(BPF_PROG_GET_FD_BY_ID, byId);
    if (fd >= 0) opened.push(fd);
  }
  return opened;
}
