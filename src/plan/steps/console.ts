import {
  AT_EMPTY_PATH,
  DEVPTS_SUPER_MAGIC,
  MOVE_MOUNT_F_EMPTY_PATH,
  MSG_NOSIGNAL,
  OPEN_TREE_CLOEXEC,
  OPEN_TREE_CLONE,
  RESOLVE_IN_ROOT,
  RESOLVE_NO_MAGICLINKS,
  TIOCGPTPEER,
  TIOCSCTTY,
  TIOCSPTLCK,
  TIOCSWINSZ,
} from "../../../native-bindings/constants.ts";
import { EEXIST, EINVAL, ENOENT } from "../../../native-bindings/errno.ts";
import { O_CLOEXEC, O_NOCTTY, O_RDWR, S_IFREG } from "../../../native-bindings/files.ts";
import { load } from "../../program/builder.ts";
import { emptyPath, OPEN_HOW_BYTES, openHow, sharedSlot, sharedSpace } from "../shared-values.ts";
import type { Compilation, Step, StepKind } from "../step.ts";

/**
 * The container's terminal: a pair from its own devpts, whose master goes to the caller and whose slave becomes /dev/console,
 * the standard descriptors, and the controlling terminal. pty(7), ioctl_tty(2).
 *
 * Every file is named by a descriptor or below one: a /dev/pts/0 of the image's own choosing is never opened (CVE-2025-52565).
 */
export interface Console extends Step {
  readonly kind: "console";
  readonly rows: number;
  readonly columns: number;
  /** Mount the slave on /dev/console: there is a mount namespace. */
  readonly mount: boolean;
  /** Name of the socket that takes the master. */
  readonly given: "console";
}

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
/** What the receiver gets as a name, with the descriptor: it is not used to open anything. */
const NAME = "/dev/ptmx";
const STATFS_BYTES = 120;

export const console: StepKind<Console> = {
  kind: "console",
  emit(c, step) {
    const { p } = c;
    const { ioctl } = p.nr;
    // struct cmsghdr with one descriptor; the kernel's number for the master is saved right into it.
    const control = p.dataWords([20, 0, SOL_SOCKET, SCM_RIGHTS, 0, 0]);
    const master = control + 16;
    p.slotNames.set(master, "master");
    emitOpenMaster(c, master);
    p.call(ioctl, load(master), TIOCSPTLCK, p.constantWords([0]));
    p.call(ioctl, load(master), TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC).save(c.consoleSlave);
    if (step.rows !== 0 || step.columns !== 0) {
      p.call(ioctl, load(master), TIOCSWINSZ, p.constantWords([step.rows | (step.columns << 16), 0]));
    }
    if (step.mount) emitMountConsole(c);
    const vector = p.constantWords([p.string(NAME), 0, NAME.length, 0]);
    const header = p.constantWords([0, 0, 0, 0, vector, 0, 1, 0, control, 0, 24, 0, 0, 0]);
    p.call(p.nr.sendmsg, c.given.console!, header, MSG_NOSIGNAL);
    p.call(p.nr.close, load(master));
    p.call(p.nr.close, c.given.console!);
    p.call(ioctl, load(c.consoleSlave), TIOCSCTTY, 0);
    for (let fd = 0; fd <= 2; fd++) p.call(p.nr.dup3, load(c.consoleSlave), fd, 0);
  },
  describe: () =>
    "open the container's terminal, send its master to the caller, and make it the standard input and output",
  failure: () => "error setting up console",
  hint: (_, errno) =>
    errno === ENOENT || errno === EINVAL
      ? "process.terminal needs a devpts file system on /dev/pts, as `runts spec` writes it"
      : undefined,
};

/** The master, from the multiplexer of a devpts: anything else that an image puts there is refused. */
function emitOpenMaster(c: Compilation, master: number): void {
  const { p } = c;
  const how = openHow(c, O_RDWR | O_NOCTTY | O_CLOEXEC, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
  const status = sharedSpace(c, "statfs", STATFS_BYTES);
  const genuine = p.label();
  p.call(p.nr.openat2, load(c.rootfs), p.string("dev/pts/ptmx"), how, OPEN_HOW_BYTES).save(master);
  p.call(p.nr.fstatfs, load(master), status);
  p.xor(load(status), DEVPTS_SUPER_MAGIC).onZero(genuine).ignoreError();
  p.raise(EINVAL);
  p.place(genuine);
}

/** The clone of the slave's own mount goes on /dev/console, which is made if need be, and never reached through a link. */
function emitMountConsole(c: Compilation): void {
  const { p } = c;
  const dev = load(sharedSlot(c, "dev"));
  const tree = sharedSlot(c, "mount");
  const made = p.slot("console_file");
  const name = p.string("console");
  const there = p.label();
  p.call(p.nr.mknodat, dev, name, S_IFREG | 0o600, 0)
    .save(made)
    .onZero(there)
    .ignoreError();
  p.jumpIfErrno(made, EEXIST, there);
  p.xor(load(made), 0);
  p.place(there);
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH;
  p.call(p.nr.open_tree, load(c.consoleSlave), emptyPath(p), flags).save(tree);
  p.call(p.nr.move_mount, load(tree), emptyPath(p), dev, name, MOVE_MOUNT_F_EMPTY_PATH);
  p.call(p.nr.close, load(tree));
}
