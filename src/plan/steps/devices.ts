import {
  AT_EMPTY_PATH,
  AT_SYMLINK_NOFOLLOW,
  MOVE_MOUNT_F_EMPTY_PATH,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
} from "../../../native-bindings/constants.ts";
import { EEXIST, ENOENT, EPERM } from "../../../native-bindings/errno.ts";
import { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_PATH, S_IFMT, S_IFREG } from "../../../native-bindings/files.ts";
import { load, type Slot } from "../../program/builder.ts";
import { emptyPath, OPEN_HOW_BYTES, openHow, sharedSlot, sharedSpace } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";
import { emitClone } from "./bind-mount.ts";
import { emitLookup, type MountPoint } from "./mount-point.ts";

/** Opens a directory for device nodes inside the container's root, making it if it must be; later steps name things in it. */
export interface OpenDeviceDirectory extends Step {
  readonly kind: "open-device-directory";
  readonly point: MountPoint;
  /** Name of the descriptor: "dev" for /dev itself. */
  readonly keepAs: string;
}

export const openDeviceDirectory: StepKind<OpenDeviceDirectory> = {
  kind: "open-device-directory",
  emit(c, { point, keepAs }) {
    emitLookup(c, point, sharedSlot(c, keepAs), O_DIRECTORY);
  },
  describe: ({ point }) => `open /${point.path} inside the container's root`,
  failure: ({ point }) => `error opening /${point.path} for device nodes`,
};

/** A device node. Made by name in an open directory, so that no symbolic link can lead it elsewhere. mknod(2). */
export interface MakeDevice extends Step {
  readonly kind: "make-device";
  /** The descriptor of its directory, by name: "rootfs", "dev", or what an open-device-directory step said. */
  readonly directory: string;
  readonly name: string;
  /** As in config.json, and where it is on the host. */
  readonly path: string;
  /** S_IF* and permission bits. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
  readonly uid: number;
  readonly gid: number;
  /** Nothing can be there yet. */
  readonly fresh: boolean;
  /** Bind the host's node instead: in a user namespace nobody may make one. */
  readonly bind: boolean;
}

/** Numbers as the kernel packs them into 32 bits: 12 bits of major, 20 of minor. Source: include/linux/kdev_t.h, new_encode_dev. */
export function encodeDevice(major: number, minor: number): number {
  return (minor & 0xff) | ((major & 0xfff) << 8) | ((minor & ~0xff) << 12);
}

export const makeDevice: StepKind<MakeDevice> = {
  kind: "make-device",
  emit(c, step) {
    if (step.bind) return emitBindDevice(c, step);
    const { p } = c;
    const directory = load(directorySlot(c, step.directory));
    const name = p.string(step.name);
    p.call(p.nr.mknodat, directory, name, step.mode, encodeDevice(step.major, step.minor));
    if (step.fresh) emitOwner(c, step, directory, name);
    else emitExisting(c, step, directory, name);
  },
  describe: ({ path, bind, major, minor, mode }) =>
    bind
      ? `bind the host's ${path} on ${path}`
      : `make the device node ${path} (${major}:${minor}, mode 0${(mode & 0o7777).toString(8)})`,
  failure: ({ path }) => `error creating device node ${JSON.stringify(path)}`,
  hint({ path }, errno) {
    if (errno === EEXIST) return `${path} is in the root file system already, and is something else`;
    if (errno === EPERM) return "the runtime may not make device nodes here (CAP_MKNOD, or its own device cgroup)";
    return undefined;
  },
};

function directorySlot(c: Compilation, name: string): Slot {
  return name === "rootfs" ? c.rootfs : sharedSlot(c, name);
}

/** Never through a symbolic link at the end; the mode was exact already, because the umask is 0. */
function emitOwner(c: Compilation, step: MakeDevice, directory: number, name: number): void {
  const { p } = c;
  if (step.uid !== 0 || step.gid !== 0) {
    p.call(p.nr.fchownat, directory, name, step.uid, step.gid, AT_SYMLINK_NOFOLLOW);
  }
}

const STATX_BYTES = 256;
const STATX_BASIC_STATS = 0x7ff;
/** Of stx_mode, a u16: the upper half, which is the file's type, three bits that no device has, and the owner's read bit. */
const STX_MODE_UPPER = 29;
const OWNER_READS = 1;
const STX_RDEV_MAJOR = 128;
const STX_RDEV_MINOR = 132;

/** Takes a node that is there already if it is the same device, character or block; anything else is an error, and stays as it is. */
function emitExisting(c: Compilation, step: MakeDevice, directory: number, name: number): void {
  const { p } = c;
  const result = p.slot("device");
  const exists = p.label();
  const sameKind = p.label();
  const sameMajor = p.label();
  const done = p.label();
  const different = p.label();
  p.save(result).onError(exists);
  emitOwner(c, step, directory, name);
  p.jump(done);
  p.place(exists);
  p.jumpIfErrno(result, EEXIST, different);
  p.xor(load(result), 0);
  p.place(different);
  const found = sharedSlot(c, "node");
  const status = sharedSpace(c, "statx", STATX_BYTES);
  const how = openHow(c, O_PATH | O_NOFOLLOW | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  p.call(p.nr.openat2, directory, name, how, OPEN_HOW_BYTES).save(found);
  p.call(p.nr.statx, load(found), emptyPath(p), AT_EMPTY_PATH, STATX_BASIC_STATS, status);
  p.unaligned.push(status + STX_MODE_UPPER, status + STX_MODE_UPPER + 1);
  // The word there reaches into stx_ino, which nobody needs.
  p.xor(0, 0).save(status + STX_MODE_UPPER + 1);
  const kind = (step.mode & S_IFMT) >> 8;
  for (const upper of [kind, kind | OWNER_READS]) {
    p.xor(load(status + STX_MODE_UPPER), upper)
      .onZero(sameKind)
      .ignoreError();
  }
  p.raise(EEXIST);
  p.place(sameKind);
  // Regular files, directories, links and FIFOs have the numbers 0:0, which no device has.
  p.xor(load(status + STX_RDEV_MAJOR), step.major)
    .onZero(sameMajor)
    .ignoreError();
  p.raise(EEXIST);
  p.place(sameMajor);
  const same = p.label();
  p.xor(load(status + STX_RDEV_MINOR), step.minor)
    .onZero(same)
    .ignoreError();
  p.raise(EEXIST);
  p.place(same);
  p.call(p.nr.fchownat, load(found), emptyPath(p), step.uid, step.gid, AT_EMPTY_PATH);
  p.call(p.nr.close, load(found));
  p.place(done);
}

function emitBindDevice(c: Compilation, step: MakeDevice): void {
  const { p } = c;
  const directory = load(directorySlot(c, step.directory));
  const name = p.string(step.name);
  const tree = sharedSlot(c, "mount");
  emitClone(c, step.path, false, tree);
  // A file to cover; that there is one already is no error, and move_mount does not follow a link.
  p.call(p.nr.mknodat, directory, name, S_IFREG | 0o644, 0).ignoreError();
  p.call(p.nr.move_mount, load(tree), emptyPath(p), directory, name, MOVE_MOUNT_F_EMPTY_PATH);
  p.call(p.nr.close, load(tree));
}

/** /dev/ptmx and the symbolic links that every container has. config-linux.md "Default Devices", "Dev symbolic links". */
export interface DeviceLinks extends Step {
  readonly kind: "device-links";
  /** /dev/core, where the host's kernel has /proc/kcore. */
  readonly core: boolean;
  /** Nothing can be there yet. */
  readonly fresh: boolean;
}

export const deviceLinks: StepKind<DeviceLinks> = {
  kind: "device-links",
  emit(c, { core, fresh }) {
    const { p } = c;
    const exists = p.slot("link");
    if (!fresh) {
      // The image's own ptmx would be the host's: it must be the one of the container's devpts.
      const gone = p.label();
      p.call(p.nr.unlinkat, load(sharedSlot(c, "dev")), p.string("ptmx"), 0)
        .save(exists)
        .onZero(gone)
        .ignoreError();
      p.jumpIfErrno(exists, ENOENT, gone);
      p.xor(load(exists), 0);
      p.place(gone);
    }
    emitLink(c, "pts/ptmx", "ptmx", true, exists);
    emitLink(c, "/proc/self/fd", "fd", fresh, exists);
    emitLink(c, "/proc/self/fd/0", "stdin", fresh, exists);
    emitLink(c, "/proc/self/fd/1", "stdout", fresh, exists);
    emitLink(c, "/proc/self/fd/2", "stderr", fresh, exists);
    if (core) emitLink(c, "/proc/kcore", "core", fresh, exists);
  },
  describe: () => "make the links ptmx, fd, stdin, stdout and stderr in /dev",
  failure: () => "error creating symbolic links in /dev",
};

function emitLink(c: Compilation, target: string, name: string, fresh: boolean, result: number): void {
  const { p } = c;
  p.call(p.nr.symlinkat, p.string(target), load(sharedSlot(c, "dev")), p.string(name));
  if (fresh) return;
  const next = p.label();
  p.save(result).onZero(next).ignoreError();
  p.jumpIfErrno(result, EEXIST, next);
  p.xor(load(result), 0);
  p.place(next);
}
