/**
 * The options of a mount in config.json, taken apart. Names and meanings are mount(8)'s and config.md's "Linux mount options";
 * what is not in the lists is for the file system itself.
 */
import {
  MOUNT_ATTR_ATIME_MASK,
  MOUNT_ATTR_NOATIME,
  MOUNT_ATTR_NODEV,
  MOUNT_ATTR_NODIRATIME,
  MOUNT_ATTR_NOEXEC,
  MOUNT_ATTR_NOSUID,
  MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY,
  MOUNT_ATTR_RELATIME,
  MOUNT_ATTR_STRICTATIME,
  MS_DIRSYNC,
  MS_I_VERSION,
  MS_LAZYTIME,
  MS_MANDLOCK,
  MS_NOATIME,
  MS_NODEV,
  MS_NODIRATIME,
  MS_NOEXEC,
  MS_NOSUID,
  MS_NOSYMFOLLOW,
  MS_PRIVATE,
  MS_RDONLY,
  MS_REC,
  MS_RELATIME,
  MS_REMOUNT,
  MS_SHARED,
  MS_SILENT,
  MS_SLAVE,
  MS_STRICTATIME,
  MS_SYNCHRONOUS,
  MS_UNBINDABLE,
} from "../../native-bindings/constants.ts";

/** One option of a file system: a flag when it has no value. */
export interface FilesystemOption {
  readonly key: string;
  readonly value: string | undefined;
}

export interface MountOptions {
  /** MS_* of mount(2), without MS_BIND, MS_REC and propagation. */
  flags: number;
  /** MS_* that were cleared by name ("rw", "suid" ...): of importance where a source's own flags would be kept. */
  cleared: number;
  /** MS_SHARED and its like, with or without MS_REC, in the order in which they are to be applied. */
  propagation: number[];
  /** MOUNT_ATTR_* for everything below a bind mount: the options that begin with r ("rro"). mount_setattr(2). */
  recursiveSet: number;
  recursiveClear: number;
  /** What the file system gets, in order. */
  data: FilesystemOption[];
  bind: boolean;
  /** A bind mount with all that is mounted below its source. */
  recursive: boolean;
  /** Start with a copy of what the tmpfs covers. */
  copyUp: boolean;
  idmap: "none" | "top" | "recursive";
}

/** Takes the options apart; the last of two that contradict each other wins. */
export function parseMountOptions(options: readonly string[] | undefined): MountOptions {
  const result: MountOptions = {
    flags: 0,
    cleared: 0,
    propagation: [],
    recursiveSet: 0,
    recursiveClear: 0,
    data: [],
    bind: false,
    recursive: false,
    copyUp: false,
    idmap: "none",
  };
  if (options === undefined) return result;
  for (let i = 0; i < options.length; i++) {
    const option = options[i]!;
    const flag = flagOf(option);
    if (flag > 0) {
      result.flags |= flag;
      result.cleared &= ~flag;
    } else if (flag < 0) {
      result.flags &= ~-flag;
      result.cleared |= -flag;
    } else {
      parseOther(option, result);
    }
  }
  return result;
}

/** The MS_* that an option sets, negative when it clears it, 0 when it is no such option. */
function flagOf(option: string): number {
  switch (option) {
    case "ro":
      return MS_RDONLY;
    case "rw":
      return -MS_RDONLY;
    case "nosuid":
      return MS_NOSUID;
    case "suid":
      return -MS_NOSUID;
    case "nodev":
      return MS_NODEV;
    case "dev":
      return -MS_NODEV;
    case "noexec":
      return MS_NOEXEC;
    case "exec":
      return -MS_NOEXEC;
    case "sync":
      return MS_SYNCHRONOUS;
    case "async":
      return -MS_SYNCHRONOUS;
    case "remount":
      return MS_REMOUNT;
    case "mand":
      return MS_MANDLOCK;
    case "nomand":
      return -MS_MANDLOCK;
    case "dirsync":
      return MS_DIRSYNC;
    case "nosymfollow":
      return MS_NOSYMFOLLOW;
    case "symfollow":
      return -MS_NOSYMFOLLOW;
    case "noatime":
      return MS_NOATIME;
    case "atime":
      return -MS_NOATIME;
    case "nodiratime":
      return MS_NODIRATIME;
    case "diratime":
      return -MS_NODIRATIME;
    case "silent":
      return MS_SILENT;
    case "loud":
      return -MS_SILENT;
    case "relatime":
      return MS_RELATIME;
    case "norelatime":
      return -MS_RELATIME;
    case "iversion":
      return MS_I_VERSION;
    case "noiversion":
      return -MS_I_VERSION;
    case "strictatime":
      return MS_STRICTATIME;
    case "nostrictatime":
      return -MS_STRICTATIME;
    case "lazytime":
      return MS_LAZYTIME;
    case "nolazytime":
      return -MS_LAZYTIME;
    default:
      return 0;
  }
}

function parseOther(option: string, result: MountOptions): void {
  switch (option) {
    // mount(8)'s word for "no option at all".
    case "defaults":
      return;
    case "bind":
      result.bind = true;
      return;
    case "rbind":
      result.bind = true;
      result.recursive = true;
      return;
    case "tmpcopyup":
      result.copyUp = true;
      return;
    case "idmap":
      if (result.idmap === "none") result.idmap = "top";
      return;
    case "ridmap":
      result.idmap = "recursive";
      return;
  }
  const propagation = propagationFlag(option);
  if (propagation !== 0) {
    result.propagation.push(propagation);
    return;
  }
  if (option.charCodeAt(0) === 0x72 && parseRecursiveAttribute(option, result)) return;
  const equals = option.indexOf("=");
  if (option === "") return;
  result.data.push(
    equals < 0 ? { key: option, value: undefined } : { key: option.slice(0, equals), value: option.slice(equals + 1) },
  );
}

/** MS_SHARED and its like for a propagation type as config.json names it, 0 for anything else. mount_namespaces(7). */
export function propagationFlag(name: string): number {
  switch (name) {
    case "private":
      return MS_PRIVATE;
    case "rprivate":
      return MS_PRIVATE | MS_REC;
    case "slave":
      return MS_SLAVE;
    case "rslave":
      return MS_SLAVE | MS_REC;
    case "shared":
      return MS_SHARED;
    case "rshared":
      return MS_SHARED | MS_REC;
    case "unbindable":
      return MS_UNBINDABLE;
    case "runbindable":
      return MS_UNBINDABLE | MS_REC;
    default:
      return 0;
  }
}

/** True when it was such an option. The access time kinds exclude each other, so the whole field is cleared first. */
function parseRecursiveAttribute(option: string, result: MountOptions): boolean {
  switch (option) {
    case "rro":
      return attribute(result, MOUNT_ATTR_RDONLY, true);
    case "rrw":
      return attribute(result, MOUNT_ATTR_RDONLY, false);
    case "rnosuid":
      return attribute(result, MOUNT_ATTR_NOSUID, true);
    case "rsuid":
      return attribute(result, MOUNT_ATTR_NOSUID, false);
    case "rnodev":
      return attribute(result, MOUNT_ATTR_NODEV, true);
    case "rdev":
      return attribute(result, MOUNT_ATTR_NODEV, false);
    case "rnoexec":
      return attribute(result, MOUNT_ATTR_NOEXEC, true);
    case "rexec":
      return attribute(result, MOUNT_ATTR_NOEXEC, false);
    case "rnodiratime":
      return attribute(result, MOUNT_ATTR_NODIRATIME, true);
    case "rdiratime":
      return attribute(result, MOUNT_ATTR_NODIRATIME, false);
    case "rnosymfollow":
      return attribute(result, MOUNT_ATTR_NOSYMFOLLOW, true);
    case "rsymfollow":
      return attribute(result, MOUNT_ATTR_NOSYMFOLLOW, false);
    case "rnoatime":
      return accessTime(result, MOUNT_ATTR_NOATIME);
    case "rstrictatime":
      return accessTime(result, MOUNT_ATTR_STRICTATIME);
    case "rrelatime":
    case "rnorelatime":
    case "ratime":
    case "rnostrictatime":
      return accessTime(result, MOUNT_ATTR_RELATIME);
    default:
      return false;
  }
}

function attribute(result: MountOptions, bit: number, set: boolean): true {
  if (set) {
    result.recursiveSet |= bit;
    result.recursiveClear &= ~bit;
  } else {
    result.recursiveSet &= ~bit;
    result.recursiveClear |= bit;
  }
  return true;
}

function accessTime(result: MountOptions, kind: number): true {
  result.recursiveSet = (result.recursiveSet & ~MOUNT_ATTR_ATIME_MASK) | kind;
  result.recursiveClear |= MOUNT_ATTR_ATIME_MASK;
  return true;
}

/** The options of a file system as one text, as mount(2) takes them. */
export function dataText(data: readonly FilesystemOption[]): string {
  let text = "";
  for (const { key, value } of data) {
    if (text !== "") text += ",";
    text += value === undefined ? key : `${key}=${value}`;
  }
  return text;
}

/** MOUNT_ATTR_* for the MS_* that belong to a mount and not to its file system. */
export function mountAttributes(flags: number): number {
  // The first four are the same bits in both.
  let attributes = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC);
  if (flags & MS_NODIRATIME) attributes |= MOUNT_ATTR_NODIRATIME;
  if (flags & MS_NOSYMFOLLOW) attributes |= MOUNT_ATTR_NOSYMFOLLOW;
  // MS_STRICTATIME wins over MS_NOATIME in mount(2), too.
  if (flags & MS_STRICTATIME) attributes |= MOUNT_ATTR_STRICTATIME;
  else if (flags & MS_NOATIME) attributes |= MOUNT_ATTR_NOATIME;
  return attributes;
}

/** MS_* that say something about access times: without any of them a remount keeps what was there. */
export const ACCESS_TIME_FLAGS = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;
