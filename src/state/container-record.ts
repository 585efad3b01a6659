/**
 * What the runtime remembers of a container: `state.json` in its directory below the state root.
 *
 * It holds what later commands need, so that none of them needs the bundle. Keys that mean the same as in runc's file have
 * runc's names: monitoring tools read them.
 */
import { EEXIST } from "../../native-bindings/errno.ts";
import {
  close,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  readTextIfThere,
  rename,
  tryExchange,
  tryOpen,
  tryUnlink,
  writeAll,
} from "../../native-bindings/files.ts";
import { ownPid, utf8 } from "../../native-bindings/libc.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import type { Hook } from "../bundle/config.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { validateId } from "./state-root.ts";

export interface ContainerRecord {
  readonly id: string;
  readonly ociVersion: string;
  /** "creating" until init waits for `start`. What `state` shows is computed, see status.ts. */
  readonly status: "creating" | "ready";
  /** Absolute. */
  readonly bundle: string;
  /** Absolute. */
  readonly rootfs: string;
  /** UTC, RFC 3339 with up to nine fraction digits. */
  readonly created: string;
  /** On the host; 0 while there is none yet. */
  readonly init_process_pid: number;
  /** Clock ticks after boot. */
  readonly init_process_start: number;
  /** While a restore is under way: what is in its cgroup is the container's already, and criu. */
  readonly restoring?: true;
  /** The command that is creating the container. */
  readonly creator_pid?: number;
  readonly creator_start?: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly rootless: boolean;
  readonly cgroup?: CgroupRecord;
  readonly cgroup_paths?: Readonly<Record<string, string>>;
  /** "NEWPID" → "/proc/PID/ns/pid" */
  readonly namespace_paths?: Readonly<Record<string, string>>;
  readonly hooks?: { readonly poststart?: readonly Hook[]; readonly poststop?: readonly Hook[] };
  /** False: killing init leaves its processes, so they are killed through the cgroup. */
  readonly private_pid_namespace: boolean;
  /** `create --no-new-keyring`: the container's processes share the session keyring of whoever starts them. */
  readonly no_new_keyring?: boolean;
  /** Without a mount namespace: the id of the mount below the one that the root file system was made, to be found again. */
  readonly host_mount?: number;
  /** The mount that it was made itself; known once init is ready. */
  readonly host_mount_own?: number;
  /** linux.intelRdt: the groups of the resctrl file system that it is in, and those that go with it, innermost first. */
  readonly intel_rdt_path?: string;
  readonly intel_rdt_mon_path?: string;
  readonly intel_rdt_owned?: readonly string[];
  /** What init does after `start`: what a failure there is told with. */
  readonly after_start?: readonly AfterStart[];
}

export const recordName = "state.json";

/** What the record was while the container was created: when the record is damaged, it still says where the cgroup is. */
const earlierName = "creating.json";

/** A step that init carries out after `start`, by the number of its first operation. */
export interface AfterStart {
  readonly operation: number;
  readonly step: { readonly kind: string; readonly from: string } & Readonly<Record<string, unknown>>;
}

/**
 * Reads a container's record.
 *
 * @throws RuntimeFault "container does not exist" in runc's words, or one with `where` = the path when the file is damaged.
 */
export function readRecord(root: string, id: string): ContainerRecord {
  validateId(id);
  const path = `${root}/${id}/${recordName}`;
  let content: string | undefined;
  try {
    content = readTextIfThere(path);
  } catch (error) {
    throw asFault(error, "unable to read the state of the container", path);
  }
  if (content === undefined) throw new RuntimeFault({ what: "container does not exist", value: id });
  return parseRecord(content, id, path);
}

/** The record of the container's creation, as far as it can be read: for one whose record is damaged. */
export function readEarlierRecord(root: string, id: string): ContainerRecord | undefined {
  validateId(id);
  const path = `${root}/${id}/${earlierName}`;
  try {
    return parseRecord(readTextIfThere(path) ?? "", id, path);
  } catch (error) {
    if (error instanceof RuntimeFault || error instanceof SystemError) return undefined;
    throw error;
  }
}

/** True for the fault that {@link readRecord} throws when there is no container of that id. */
export function isMissingContainer(error: unknown): boolean {
  return error instanceof RuntimeFault && error.facts.what === "container does not exist";
}

function parseRecord(content: string, id: string, path: string): ContainerRecord {
  let record: ContainerRecord;
  try {
    record = JSON.parse(content);
  } catch (error) {
    throw damaged(path, error);
  }
  // Not a schema: only what would make a later step act on the wrong thing.
  if (
    typeof record !== "object" ||
    record === null ||
    record.id !== id ||
    (record.status !== "ready" && record.status !== "creating") ||
    !Number.isSafeInteger(record.init_process_pid) ||
    !Number.isSafeInteger(record.init_process_start) ||
    typeof record.bundle !== "string"
  ) {
    throw damaged(path);
  }
  return record;
}

function damaged(path: string, cause?: unknown): RuntimeFault {
  return new RuntimeFault({
    what: "the container's state file is damaged",
    where: path,
    hint: "`delete --force` removes what is left of the container",
    cause,
  });
}

/**
 * Writes a container's record, whole or not at all: to a file of its own beside it, then rename(2).
 *
 * No fsync: no container survives the machine, and rename keeps the file whole when only the process dies.
 *
 * @throws RuntimeFault with the path and the errno (ENOSPC ...).
 */
export function writeRecord(root: string, record: ContainerRecord): void {
  const path = `${root}/${record.id}/${recordName}`;
  const temporary = `${path}.${ownPid()}`;
  writeNew(temporary, record, path);
  put(temporary, path);
}

/**
 * Writes down what {@link putReplacement} makes the record: under the name that the record of the container's creation has from
 * then on.
 *
 * @throws RuntimeFault as {@link writeRecord}.
 */
export function stageReplacement(root: string, record: ContainerRecord): void {
  const directory = `${root}/${record.id}`;
  writeNew(`${directory}/${earlierName}`, record, `${directory}/${recordName}`);
}

/**
 * What was staged becomes the record, and the record of the container's creation is kept beside it.
 *
 * The two change places: a rename over the record would have some file systems (ext4) write both to the disk at once, and
 * whoever removes them wait for it.
 *
 * @throws RuntimeFault as {@link writeRecord}.
 */
export function putReplacement(root: string, id: string): void {
  const directory = `${root}/${id}`;
  // A file system that can't do that does without what is only a help for bad days.
  if (tryExchange(`${directory}/${earlierName}`, `${directory}/${recordName}`) < 0)
    put(`${directory}/${earlierName}`, `${directory}/${recordName}`);
}

function writeNew(file: string, record: ContainerRecord, path: string): void {
  try {
    const fd = openNew(file);
    try {
      writeAll(fd, utf8(JSON.stringify(record)), file);
    } finally {
      close(fd);
    }
  } catch (error) {
    tryUnlink(file);
    throw asFault(error, "unable to store the container's state", path);
  }
}

function put(file: string, path: string): void {
  try {
    rename(file, path);
  } catch (error) {
    tryUnlink(file);
    throw asFault(error, "unable to store the container's state", path);
  }
}

/** A file of that name is what a killed process of the same pid left behind. */
function openNew(path: string): number {
  const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
  let fd = tryOpen(path, flags, 0o600);
  if (fd === -EEXIST) {
    tryUnlink(path);
    fd = tryOpen(path, flags, 0o600);
  }
  if (fd < 0) throw new SystemError("open", JSON.stringify(path), -fd);
  return fd;
}
