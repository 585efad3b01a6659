/**
 * Names of flags and of numbered choices, as strace(1) writes them. For listings and failed calls; never on the hot path.
 *
 * Source: the kernel's include/uapi/linux. `NAME=value` is a bit, `NAME=value/mask` one of several values under a mask, and a
 * table that starts with `one` holds choices, not bits.
 */
import { CAPABILITIES, RLIMITS } from "./constants.ts";
import type { Arch } from "./syscall-numbers.ts";

const at = "AT_SYMLINK_NOFOLLOW=0x100 AT_SYMLINK_FOLLOW=0x400 AT_NO_AUTOMOUNT=0x800 AT_EMPTY_PATH=0x1000";
const fdFlags = (prefix: string) => `${prefix}_CLOEXEC=0o2000000 ${prefix}_NONBLOCK=0o4000`;
const openAccess =
  "O_PATH=0o10000000/0o10000003 O_RDONLY=0/3 O_WRONLY=1/3 O_RDWR=2/3 O_CREAT=0o100 O_EXCL=0o200 O_NOCTTY=0o400 " +
  "O_TRUNC=0o1000 O_APPEND=0o2000 O_NONBLOCK=0o4000 O_SYNC=0o4010000 O_DSYNC=0o10000 O_NOATIME=0o1000000 O_CLOEXEC=0o2000000";

const tables: Readonly<Record<string, string>> = {
  accept: fdFlags("SOCK"),
  access: "X_OK=1 W_OK=2 R_OK=4",
  ambient: "one PR_CAP_AMBIENT_IS_SET=1 PR_CAP_AMBIENT_RAISE=2 PR_CAP_AMBIENT_LOWER=3 PR_CAP_AMBIENT_CLEAR_ALL=4",
  at,
  clone:
    "SIGCHLD=17/0x7f CLONE_NEWTIME=0x80 CLONE_VM=0x100 CLONE_FS=0x200 CLONE_FILES=0x400 CLONE_SIGHAND=0x800 CLONE_PIDFD=0x1000 " +
    "CLONE_PTRACE=0x2000 CLONE_VFORK=0x4000 CLONE_PARENT=0x8000 CLONE_THREAD=0x10000 CLONE_NEWNS=0x20000 " +
    "CLONE_SYSVSEM=0x40000 CLONE_NEWCGROUP=0x2000000 CLONE_NEWUTS=0x4000000 CLONE_NEWIPC=0x8000000 CLONE_NEWUSER=0x10000000 " +
    "CLONE_NEWPID=0x20000000 CLONE_NEWNET=0x40000000 CLONE_IO=0x80000000 CLONE_CLEAR_SIGHAND=0x100000000 " +
    "CLONE_INTO_CGROUP=0x200000000",
  close_range: "CLOSE_RANGE_UNSHARE=2 CLOSE_RANGE_CLOEXEC=4",
  dup3: "O_CLOEXEC=0o2000000",
  eventfd: `EFD_SEMAPHORE=1 ${fdFlags("EFD")}`,
  faccessat: `AT_EACCESS=0x200 ${at}`,
  family: "one AF_UNIX=1 AF_INET=2 AF_INET6=10 AF_NETLINK=16",
  fcntl:
    "one F_DUPFD=0 F_GETFD=1 F_SETFD=2 F_GETFL=3 F_SETFL=4 F_DUPFD_CLOEXEC=1030 F_SETPIPE_SZ=1031 F_ADD_SEALS=1033 F_GET_SEALS=1034",
  fd: "FD_CLOEXEC=1",
  fsconfig:
    "one FSCONFIG_SET_FLAG=0 FSCONFIG_SET_STRING=1 FSCONFIG_SET_BINARY=2 FSCONFIG_SET_PATH=3 FSCONFIG_SET_PATH_EMPTY=4 " +
    "FSCONFIG_SET_FD=5 FSCONFIG_CMD_CREATE=6 FSCONFIG_CMD_RECONFIGURE=7 FSCONFIG_CMD_CREATE_EXCL=8",
  fsmount: "FSMOUNT_CLOEXEC=1",
  fsopen: "FSOPEN_CLOEXEC=1",
  fspick: "FSPICK_CLOEXEC=1 FSPICK_SYMLINK_NOFOLLOW=2 FSPICK_NO_AUTOMOUNT=4 FSPICK_EMPTY_PATH=8",
  inotify: fdFlags("IN"),
  interface: "IFF_UP=1 IFF_BROADCAST=2 IFF_LOOPBACK=8 IFF_RUNNING=0x40",
  ioctl:
    "one TIOCSCTTY=0x540e TIOCSPGRP=0x5410 TIOCGWINSZ=0x5413 TIOCSWINSZ=0x5414 TIOCGPTPEER=0x5441 TIOCSPTLCK=0x40045431 " +
    "TIOCGPTN=0x80045430 SIOCGIFFLAGS=0x8913 SIOCSIFFLAGS=0x8914 NS_GET_USERNS=0xb701 NS_GET_PARENT=0xb702 NS_GET_NSTYPE=0xb703 " +
    "SECCOMP_IOCTL_NOTIF_RECV=0xc0502100 SECCOMP_IOCTL_NOTIF_SEND=0xc0182101",
  ioprio_who: "one IOPRIO_WHO_PROCESS=1 IOPRIO_WHO_PGRP=2 IOPRIO_WHO_USER=3",
  keyctl: "one KEYCTL_GET_KEYRING_ID=0 KEYCTL_JOIN_SESSION_KEYRING=1 KEYCTL_SETPERM=5 KEYCTL_DESCRIBE=6",
  linkat: at,
  memfd: "MFD_CLOEXEC=1 MFD_ALLOW_SEALING=2 MFD_HUGETLB=4 MFD_NOEXEC_SEAL=8 MFD_EXEC=0x10",
  mempolicy:
    "MPOL_DEFAULT=0/0xfff MPOL_PREFERRED=1/0xfff MPOL_BIND=2/0xfff MPOL_INTERLEAVE=3/0xfff MPOL_LOCAL=4/0xfff " +
    "MPOL_PREFERRED_MANY=5/0xfff MPOL_WEIGHTED_INTERLEAVE=6/0xfff MPOL_F_NUMA_BALANCING=0x2000 MPOL_F_RELATIVE_NODES=0x4000 " +
    "MPOL_F_STATIC_NODES=0x8000",
  mount:
    "MS_RDONLY=1 MS_NOSUID=2 MS_NODEV=4 MS_NOEXEC=8 MS_SYNCHRONOUS=0x10 MS_REMOUNT=0x20 MS_MANDLOCK=0x40 MS_DIRSYNC=0x80 " +
    "MS_NOSYMFOLLOW=0x100 MS_NOATIME=0x400 MS_NODIRATIME=0x800 MS_BIND=0x1000 MS_MOVE=0x2000 MS_REC=0x4000 MS_SILENT=0x8000 " +
    "MS_POSIXACL=0x10000 MS_UNBINDABLE=0x20000 MS_PRIVATE=0x40000 MS_SLAVE=0x80000 MS_SHARED=0x100000 MS_RELATIME=0x200000 " +
    "MS_I_VERSION=0x800000 MS_STRICTATIME=0x1000000 MS_LAZYTIME=0x2000000",
  mount_attr:
    "MOUNT_ATTR_RDONLY=1 MOUNT_ATTR_NOSUID=2 MOUNT_ATTR_NODEV=4 MOUNT_ATTR_NOEXEC=8 MOUNT_ATTR__ATIME=0x70/0x70 " +
    "MOUNT_ATTR_NOATIME=0x10 MOUNT_ATTR_STRICTATIME=0x20 MOUNT_ATTR_NODIRATIME=0x80 MOUNT_ATTR_IDMAP=0x100000 " +
    "MOUNT_ATTR_NOSYMFOLLOW=0x200000",
  mount_setattr: `AT_RECURSIVE=0x8000 ${at}`,
  move_mount:
    "MOVE_MOUNT_F_SYMLINKS=1 MOVE_MOUNT_F_AUTOMOUNTS=2 MOVE_MOUNT_F_EMPTY_PATH=4 MOVE_MOUNT_T_SYMLINKS=0x10 " +
    "MOVE_MOUNT_T_AUTOMOUNTS=0x20 MOVE_MOUNT_T_EMPTY_PATH=0x40 MOVE_MOUNT_SET_GROUP=0x100 MOVE_MOUNT_BENEATH=0x200",
  msg: "MSG_PEEK=2 MSG_CTRUNC=8 MSG_TRUNC=0x20 MSG_DONTWAIT=0x40 MSG_WAITALL=0x100 MSG_NOSIGNAL=0x4000 MSG_CMSG_CLOEXEC=0x40000000",
  open: `O_TMPFILE=0o20200000 O_DIRECTORY=0o200000 O_NOFOLLOW=0o400000 O_DIRECT=0o40000 O_LARGEFILE=0o100000 ${openAccess}`,
  "open@aarch64": `O_TMPFILE=0o20040000 O_DIRECTORY=0o40000 O_NOFOLLOW=0o100000 O_DIRECT=0o200000 O_LARGEFILE=0o400000 ${openAccess}`,
  open_tree: `OPEN_TREE_CLONE=1 OPEN_TREE_CLOEXEC=0o2000000 AT_RECURSIVE=0x8000 ${at}`,
  pipe2: "O_CLOEXEC=0o2000000 O_NONBLOCK=0o4000 O_DIRECT=0o40000",
  "pipe2@aarch64": "O_CLOEXEC=0o2000000 O_NONBLOCK=0o4000 O_DIRECT=0o200000",
  poll: "POLLIN=1 POLLPRI=2 POLLOUT=4 POLLERR=8 POLLHUP=0x10 POLLNVAL=0x20",
  prctl:
    "one PR_SET_PDEATHSIG=1 PR_GET_DUMPABLE=3 PR_SET_DUMPABLE=4 PR_GET_KEEPCAPS=7 PR_SET_KEEPCAPS=8 PR_SET_NAME=15 " +
    "PR_SET_SECCOMP=22 PR_CAPBSET_READ=23 PR_CAPBSET_DROP=24 PR_SET_SECUREBITS=28 PR_SET_CHILD_SUBREAPER=36 " +
    "PR_SET_NO_NEW_PRIVS=38 PR_GET_NO_NEW_PRIVS=39 PR_SET_THP_DISABLE=41 PR_CAP_AMBIENT=47 PR_SET_IO_FLUSHER=57 " +
    "PR_SCHED_CORE=62 PR_SET_MDWE=65 PR_SET_MEMORY_MERGE=67",
  rename: "RENAME_NOREPLACE=1 RENAME_EXCHANGE=2 RENAME_WHITEOUT=4",
  resolve:
    "RESOLVE_NO_XDEV=1 RESOLVE_NO_MAGICLINKS=2 RESOLVE_NO_SYMLINKS=4 RESOLVE_BENEATH=8 RESOLVE_IN_ROOT=0x10 RESOLVE_CACHED=0x20",
  sched_policy:
    "one SCHED_OTHER=0 SCHED_FIFO=1 SCHED_RR=2 SCHED_BATCH=3 SCHED_ISO=4 SCHED_IDLE=5 SCHED_DEADLINE=6 SCHED_EXT=7",
  seal: "F_SEAL_SEAL=1 F_SEAL_SHRINK=2 F_SEAL_GROW=4 F_SEAL_WRITE=8 F_SEAL_FUTURE_WRITE=0x10 F_SEAL_EXEC=0x20",
  seccomp:
    "one SECCOMP_SET_MODE_STRICT=0 SECCOMP_SET_MODE_FILTER=1 SECCOMP_GET_ACTION_AVAIL=2 SECCOMP_GET_NOTIF_SIZES=3",
  seccomp_filter:
    "SECCOMP_FILTER_FLAG_TSYNC=1 SECCOMP_FILTER_FLAG_LOG=2 SECCOMP_FILTER_FLAG_SPEC_ALLOW=4 SECCOMP_FILTER_FLAG_NEW_LISTENER=8 " +
    "SECCOMP_FILTER_FLAG_TSYNC_ESRCH=0x10 SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV=0x20",
  signal:
    "one SIGHUP=1 SIGINT=2 SIGQUIT=3 SIGILL=4 SIGTRAP=5 SIGABRT=6 SIGBUS=7 SIGFPE=8 SIGKILL=9 SIGUSR1=10 SIGSEGV=11 SIGUSR2=12 " +
    "SIGPIPE=13 SIGALRM=14 SIGTERM=15 SIGSTKFLT=16 SIGCHLD=17 SIGCONT=18 SIGSTOP=19 SIGTSTP=20 SIGTTIN=21 SIGTTOU=22 SIGURG=23 " +
    "SIGXCPU=24 SIGXFSZ=25 SIGVTALRM=26 SIGPROF=27 SIGWINCH=28 SIGIO=29 SIGPWR=30 SIGSYS=31",
  signalfd: fdFlags("SFD"),
  sigprocmask: "one SIG_BLOCK=0 SIG_UNBLOCK=1 SIG_SETMASK=2",
  socket:
    "SOCK_STREAM=1/15 SOCK_DGRAM=2/15 SOCK_RAW=3/15 SOCK_SEQPACKET=5/15 SOCK_CLOEXEC=0o2000000 SOCK_NONBLOCK=0o4000",
  umount: "MNT_FORCE=1 MNT_DETACH=2 MNT_EXPIRE=4 UMOUNT_NOFOLLOW=8",
  unlinkat: "AT_REMOVEDIR=0x200",
  wait: "WNOHANG=1 WUNTRACED=2 WEXITED=4 WCONTINUED=8 WNOWAIT=0x1000000 __WNOTHREAD=0x20000000 __WALL=0x40000000 __WCLONE=0x80000000",
  whence: "one SEEK_SET=0 SEEK_CUR=1 SEEK_END=2",
  xattr: "XATTR_CREATE=1 XATTR_REPLACE=2",
};

interface Name {
  readonly name: string;
  readonly value: bigint;
  /** The bits that must equal `value`. */
  readonly mask: bigint;
}

const allBits = (1n << 64n) - 1n;

function namesOf(table: string, arch: Arch): Name[] {
  if (table === "capability") return CAPABILITIES.map((name, i) => ({ name, value: BigInt(i), mask: allBits }));
  if (table === "rlimit") return RLIMITS.map((name, i) => ({ name, value: BigInt(i), mask: allBits }));
  const source = tables[`${table}@${arch}`] ?? tables[table];
  if (source === undefined) throw new Error(`no names for the flags ${table}`);
  const choice = source.startsWith("one ");
  return (choice ? source.slice(4) : source).split(" ").map((entry) => {
    const equals = entry.indexOf("=");
    const [text, maskText] = entry.slice(equals + 1).split("/");
    const value = BigInt(text!);
    const mask = choice ? allBits : maskText === undefined ? value : BigInt(maskText);
    return { name: entry.slice(0, equals), value, mask };
  });
}

function isChoice(table: string): boolean {
  return table === "capability" || table === "rlimit" || tables[table]!.startsWith("one ");
}

/** The value that a name of a table stands for, or undefined. */
export function flagValue(table: string, name: string, arch: Arch): bigint | undefined {
  return namesOf(table, arch).find((entry) => entry.name === name)?.value;
}

/** `O_RDONLY|O_CLOEXEC`: names joined, what has none in hexadecimal, `0` for nothing. `value` is unsigned. */
export function flagNames(table: string, value: bigint, arch: Arch): string {
  const found: string[] = [];
  let rest = value;
  let known = allBits;
  for (const { name, value: bits, mask } of namesOf(table, arch)) {
    if ((rest & mask) !== bits || (known & mask) !== mask) continue;
    found.push(name);
    rest &= ~mask;
    known &= ~mask;
  }
  // Small numbers without a name are counted: capabilities and signals of a newer kernel.
  if (rest !== 0n)
    found.push(found.length === 0 && rest < 128n && isChoice(table) ? `${rest}` : `0x${rest.toString(16)}`);
  return found.length === 0 ? "0" : found.join("|");
}
