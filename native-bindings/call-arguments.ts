/**
 * The arguments of every system call that a program may use: their names, kinds, and the layouts of the structures that they
 * point to. For listings, failed calls and the program checker; never on the hot path.
 *
 * Source: the manual page of each call, and the kernel's include/uapi/linux for structures.
 */
import { structures } from "./call-structures.ts";
import { type Arch, type SyscallName, syscallNumbers } from "./syscall-numbers.ts";

/**
 * What an argument or a field means.
 *
 * `fd`, `dirfd`, `int`, `uint`, `size`, `id`, `pid`, `hex`, `mode`, `filemode`, `dev`, `signal`: numbers, as they are shown.
 * `path`, `string`: address of a C string; only `string` may be null. `strings`: address of a NULL-terminated array of them.
 * `data`: address of bytes that the kernel reads; the next argument is their number. `out`: the same, written by the kernel.
 * `ids`: address of 32-bit ids; the argument before it is their number. `out/N`: N bytes that the kernel writes. `pointer`: an address, or null. `flags/T`: bits or values of table T.
 * `struct/S`: address of structure S that the kernel reads. `inout/S`: it writes to it as well.
 */
export type Kind = string;

export interface Argument {
  readonly name: string;
  readonly kind: Kind;
}

export interface Field extends Argument {
  readonly offset: number;
  readonly bytes: number;
}

export interface Structure {
  readonly bytes: number;
  readonly fields: readonly Field[];
}

const at = "dir:dirfd path:path";

const signatures: Readonly<Record<SyscallName, string>> = {
  accept4: "socket:fd address:pointer length:pointer flags:flags/accept",
  bind: "socket:fd address:data length:size",
  bpf: "command:int attributes:data size:size",
  capget: "header:inout/cap_header data:out/24",
  capset: "header:struct/cap_header data:struct/cap_data",
  chdir: "path:path",
  chroot: "path:path",
  clone: "flags:flags/clone stack:pointer parent:out/4 child:pointer tls:pointer",
  clone3: "args:struct/clone_args size:size",
  close: "fd:fd",
  close_range: "first:uint last:uint flags:flags/close_range",
  connect: "socket:fd address:data length:size",
  copy_file_range: "in:fd inOffset:pointer out:fd outOffset:pointer length:size flags:hex",
  dup: "fd:fd",
  dup3: "old:fd new:int flags:flags/dup3",
  eventfd2: "initial:uint flags:flags/eventfd",
  execve: "path:path argv:strings envp:strings",
  execveat: `${at} argv:strings envp:strings flags:flags/at`,
  exit_group: "status:int",
  faccessat2: `${at} mode:flags/access flags:flags/faccessat`,
  fchdir: "fd:fd",
  fchmod: "fd:fd mode:mode",
  fchmodat: `${at} mode:mode`,
  fchown: "fd:fd uid:id gid:id",
  fchownat: `${at} uid:id gid:id flags:flags/at`,
  fcntl: "fd:fd command:flags/fcntl argument:int",
  fgetxattr: "fd:fd name:path value:out size:size",
  flistxattr: "fd:fd list:out size:size",
  fsconfig: "fs:fd command:flags/fsconfig key:string value:pointer aux:int",
  fsetxattr: "fd:fd name:path value:data size:size flags:flags/xattr",
  fsmount: "fs:fd flags:flags/fsmount attributes:flags/mount_attr",
  fsopen: "type:path flags:flags/fsopen",
  fspick: `${at} flags:flags/fspick`,
  flock: "fd:fd operation:int",
  fstat: "fd:fd stat:out/128",
  fstatfs: "fd:fd statfs:out/120",
  fsync: "fd:fd",
  ftruncate: "fd:fd length:size",
  getcwd: "path:out size:size",
  getdents64: "fd:fd entries:out size:size",
  getegid: "",
  geteuid: "",
  getgid: "",
  getpgid: "pid:pid",
  getpid: "",
  getppid: "",
  getrandom: "buffer:out size:size flags:hex",
  getsid: "pid:pid",
  getsockopt: "socket:fd level:int name:int value:pointer length:pointer",
  getuid: "",
  getxattr: "path:path name:path value:out size:size",
  inotify_add_watch: "fd:fd path:path mask:hex",
  inotify_init1: "flags:flags/inotify",
  ioctl: "fd:fd request:flags/ioctl argument:hex",
  ioprio_get: "which:flags/ioprio_who who:pid",
  ioprio_set: "which:flags/ioprio_who who:pid priority:hex",
  keyctl: "command:flags/keyctl a:hex b:hex c:hex d:hex",
  kill: "pid:pid signal:signal",
  linkat: "oldDir:dirfd oldPath:path newDir:dirfd newPath:path flags:flags/linkat",
  listen: "socket:fd backlog:int",
  listxattr: "path:path list:out size:size",
  lseek: "fd:fd offset:int whence:flags/whence",
  lsetxattr: "path:path name:path value:data size:size flags:flags/xattr",
  madvise: "address:hex length:size advice:int",
  memfd_create: "name:path flags:flags/memfd",
  mkdirat: `${at} mode:mode`,
  mknodat: `${at} mode:filemode dev:dev`,
  mmap: "address:pointer length:size protection:hex flags:hex file:fd offset:int",
  mprotect: "address:pointer length:size protection:hex",
  mount: "source:string target:path type:string flags:flags/mount data:string",
  mount_setattr: `${at} flags:flags/mount_setattr attributes:struct/mount_attr size:size`,
  move_mount: "fromDir:dirfd fromPath:path toDir:dirfd toPath:path flags:flags/move_mount",
  nanosleep: "duration:struct/timespec remaining:pointer",
  newfstatat: `${at} stat:out/128 flags:flags/at`,
  open_tree: `${at} flags:flags/open_tree`,
  openat: `${at} flags:flags/open mode:mode`,
  openat2: `${at} how:struct/open_how size:size`,
  personality: "persona:hex",
  pidfd_getfd: "pidfd:fd targetFd:int flags:hex",
  pidfd_open: "pid:pid flags:hex",
  pidfd_send_signal: "pidfd:fd signal:signal info:pointer flags:hex",
  pipe2: "fds:out/8 flags:flags/pipe2",
  pivot_root: "newRoot:path putOld:path",
  ppoll: "fds:inout/pollfd count:size timeout:inout/timespec mask:pointer maskSize:size",
  prctl: "option:flags/prctl a:hex b:hex c:hex d:hex",
  pread64: "fd:fd buffer:out size:size offset:int",
  prlimit64: "pid:pid resource:flags/rlimit new:struct/rlimit old:pointer",
  pwrite64: "fd:fd buffer:data size:size offset:int",
  read: "fd:fd buffer:out size:size",
  readlinkat: `${at} buffer:out size:size`,
  recvfrom: "socket:fd message:out length:size flags:flags/msg address:pointer addressLength:pointer",
  recvmsg: "socket:fd message:inout/msghdr flags:flags/msg",
  renameat2: "oldDir:dirfd oldPath:path newDir:dirfd newPath:path flags:flags/rename",
  rt_sigaction: "signal:signal action:struct/sigaction old:pointer maskSize:size",
  rt_sigprocmask: "how:flags/sigprocmask set:struct/sigset old:pointer maskSize:size",
  sched_getaffinity: "pid:pid size:size mask:pointer",
  sched_setaffinity: "pid:pid size:size mask:pointer",
  sched_setattr: "pid:pid attributes:struct/sched_attr flags:hex",
  seccomp: "operation:flags/seccomp flags:flags/seccomp_filter program:struct/sock_fprog",
  sendfile: "out:fd in:fd offset:pointer count:size",
  sendmsg: "socket:fd message:struct/msghdr flags:flags/msg",
  sendto: "socket:fd message:data length:size flags:flags/msg address:pointer addressLength:size",
  set_mempolicy: "mode:flags/mempolicy nodes:pointer maxNode:size",
  setdomainname: "name:data length:size",
  setgid: "gid:id",
  setgroups: "count:size groups:ids",
  sethostname: "name:data length:size",
  setns: "fd:fd type:flags/clone",
  setpgid: "pid:pid group:pid",
  setpriority: "which:int who:pid priority:int",
  setresgid: "real:id effective:id saved:id",
  setresuid: "real:id effective:id saved:id",
  setfsuid: "uid:id",
  setfsgid: "gid:id",
  setsid: "",
  setsockopt: "socket:fd level:int name:int value:data size:size",
  setuid: "uid:id",
  signalfd4: "fd:int mask:pointer maskSize:size flags:flags/signalfd",
  socket: "family:flags/family type:flags/socket protocol:int",
  socketpair: "family:flags/family type:flags/socket protocol:int fds:out/8",
  splice: "in:fd inOffset:pointer out:fd outOffset:pointer length:size flags:hex",
  statfs: "path:path statfs:out/120",
  statx: `${at} flags:flags/at mask:hex statx:out/256`,
  symlinkat: "target:path dir:dirfd path:path",
  umask: "mask:mode",
  umount2: "target:path flags:flags/umount",
  uname: "names:out/390",
  unlinkat: `${at} flags:flags/unlinkat`,
  unshare: "flags:flags/clone",
  utimensat: "dir:dirfd path:string times:pointer flags:flags/at",
  wait4: "pid:pid status:out/4 options:flags/wait usage:pointer",
  waitid: "type:int id:pid info:pointer options:flags/wait usage:pointer",
  write: "fd:fd buffer:data size:size",
};

/** Calls whose arguments depend on a command: `call/command`, where {@link commandArgument} says which one decides. */
const variants: Readonly<Record<string, string>> = {
  "fcntl/0": "fd:fd command:flags/fcntl least:int",
  "fcntl/1": "fd:fd command:flags/fcntl",
  "fcntl/2": "fd:fd command:flags/fcntl flags:flags/fd",
  "fcntl/3": "fd:fd command:flags/fcntl",
  "fcntl/4": "fd:fd command:flags/fcntl flags:flags/open",
  "fcntl/1033": "fd:fd command:flags/fcntl seals:flags/seal",
  "fsconfig/0": "fs:fd command:flags/fsconfig key:path value:string aux:int",
  "fsconfig/1": "fs:fd command:flags/fsconfig key:path value:path aux:int",
  "fsconfig/5": "fs:fd command:flags/fsconfig key:path value:pointer aux:fd",
  "ioctl/21518": "fd:fd request:flags/ioctl steal:int",
  "ioctl/21524": "fd:fd request:flags/ioctl size:struct/winsize",
  "ioctl/21569": "fd:fd request:flags/ioctl flags:flags/open",
  "ioctl/35091": "socket:fd request:flags/ioctl interface:inout/ifreq",
  "ioctl/35092": "socket:fd request:flags/ioctl interface:struct/ifreq",
  "ioctl/1074025521": "fd:fd request:flags/ioctl locked:struct/int",
  "ioctl/-2147199952": "fd:fd request:flags/ioctl number:out/4",
  "keyctl/1": "command:flags/keyctl name:string",
  "keyctl/5": "command:flags/keyctl key:int permissions:hex",
  "prctl/1": "option:flags/prctl signal:signal",
  "prctl/4": "option:flags/prctl dumpable:int",
  "prctl/8": "option:flags/prctl keep:int",
  "prctl/15": "option:flags/prctl name:path",
  "prctl/23": "option:flags/prctl capability:flags/capability",
  "prctl/24": "option:flags/prctl capability:flags/capability",
  "prctl/28": "option:flags/prctl bits:hex",
  "prctl/36": "option:flags/prctl on:int",
  "prctl/38": "option:flags/prctl on:int b:int c:int d:int",
  "prctl/47": "option:flags/prctl action:flags/ambient capability:flags/capability b:int c:int",
  "prctl/47/4": "option:flags/prctl action:flags/ambient b:int c:int d:int",
  "seccomp/0": "operation:flags/seccomp flags:hex program:pointer",
  "seccomp/2": "operation:flags/seccomp flags:hex action:pointer",
};

const commandArgument: Readonly<Record<string, number>> = {
  fcntl: 1,
  fsconfig: 1,
  ioctl: 1,
  keyctl: 0,
  prctl: 0,
  seccomp: 0,
};

/** The name of a system call, or undefined for a number that no program uses. */
export function syscallName(nr: number, arch: Arch): SyscallName | undefined {
  for (const [name, number] of Object.entries(syscallNumbers(arch))) if (number === nr) return name as SyscallName;
  return undefined;
}

/**
 * The arguments of a call.
 *
 * @param args the values, 32-bit signed: a command among them (prctl's option, fcntl's, ioctl's ...) decides what the others
 *   are. Undefined for one that is not known beforehand.
 */
export function argumentsOf(name: SyscallName, args: readonly (number | undefined)[]): Argument[] {
  const decides = commandArgument[name];
  let signature = signatures[name];
  if (decides !== undefined) {
    const command = `${name}/${args[decides]}`;
    signature = variants[`${command}/${args[decides + 1]}`] ?? variants[command] ?? signature;
  }
  if (signature === "") return [];
  return signature.split(" ").map((part) => {
    const colon = part.indexOf(":");
    return { name: part.slice(0, colon), kind: part.slice(colon + 1) };
  });
}

/** The layout of a structure that a kind names: `struct/open_how`, `inout/pollfd`. Undefined for other kinds. */
export function structureOf(kind: Kind): Structure | undefined {
  const [form, name] = kind.split("/");
  if (form !== "struct" && form !== "inout") return undefined;
  const source = structures[name!];
  if (source === undefined) throw new Error(`no layout for the structure ${name}`);
  const [bytes, ...fields] = source.split(" ");
  return { bytes: Number(bytes), fields: fields.map(field) };
}

/** `flags:flags/open@0:8`: name, kind, offset, bytes. */
function field(source: string): Field {
  const colon = source.indexOf(":");
  const place = source.indexOf("@");
  const [offset, bytes] = source.slice(place + 1).split(":");
  return {
    name: source.slice(0, colon),
    kind: source.slice(colon + 1, place),
    offset: Number(offset),
    bytes: Number(bytes),
  };
}
