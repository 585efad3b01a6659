import { ENODEV, ENOENT } from "../../native-bindings/errno.ts";
import { readTextIfThere, tryWriteExisting, writeError, writeExisting } from "../../native-bindings/files.ts";
import { sleepMilliseconds } from "../../native-bindings/sleep.ts";
import { isErrno } from "../../native-bindings/system-error.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { CgroupRecord } from "./record.ts";

/** Ten seconds on v2. On v1, where nothing tells when it is done, as many looks. */
const MOST_LOOKS = 1000;

/** True when the container itself is frozen; a frozen cgroup above it, or a cgroup that is gone, does not count. */
export function isFrozen(record: CgroupRecord): boolean {
  const v1 = v1Freezer(record);
  if (v1 === undefined) {
    const directory = record.paths[""];
    return directory !== undefined && read(`${directory}/cgroup.freeze`) === "1";
  }
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const state = read(`${v1}/freezer.state`);
    // Kernels before 3.8 can't tell whether it is the cgroup itself.
    if (state === "FROZEN") return read(`${v1}/freezer.self_freezing`) !== "0";
    if (state !== "FREEZING") return false;
    sleepMilliseconds(1);
  }
  return true;
}

/**
 * Stops every process of the container, and waits until they are.
 *
 * @throws RuntimeFault when they are not within 10 s; then they are thawed again, because half frozen is worst.
 */
export function freeze(record: CgroupRecord): void {
  const { file, thawed, unified } = control(record);
  try {
    if (unified !== undefined) freezeUnified(file, unified);
    else freezeV1(file);
  } catch (error) {
    tryWriteExisting(file, thawed);
    throw error;
  }
}

/**
 * Lets the processes run again. A cgroup that is gone has none: systemd removes one with its last process, which on
 * cgroup2 a SIGKILL ends frozen as it is.
 *
 * @throws SystemError
 */
export function thaw(record: CgroupRecord): void {
  const { file, thawed } = control(record);
  const result = tryWriteExisting(file, thawed);
  if (result < 0 && result !== -ENOENT && result !== -ENODEV) throw writeError(file, thawed, result);
}

/** The directory that can be frozen, if there is one: on hybrid that of cgroup2 when there is no v1 freezer. */
export function freezerDirectory(record: CgroupRecord): string | undefined {
  return v1Freezer(record) ?? record.paths[""];
}

function v1Freezer(record: CgroupRecord): string | undefined {
  return record.mode === "v2" ? undefined : record.paths.freezer;
}

/** The file that freezes, what thaws when it is written there, and on cgroup2 the directory that it is in. */
function control(record: CgroupRecord): { file: string; thawed: string; unified: string | undefined } {
  const v1 = v1Freezer(record);
  if (v1 !== undefined) return { file: `${v1}/freezer.state`, thawed: "THAWED", unified: undefined };
  const unified = unifiedDirectory(record);
  return { file: `${unified}/cgroup.freeze`, thawed: "0", unified };
}

function unifiedDirectory(record: CgroupRecord): string {
  const directory = record.paths[""];
  if (directory === undefined) {
    throw new RuntimeFault({ what: "the container has no cgroup that can freeze it", where: "freezer" });
  }
  return directory;
}

function freezeUnified(file: string, directory: string): void {
  writeExisting(file, "1");
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    if (read(`${directory}/cgroup.events`)?.includes("frozen 1")) return;
    sleepMilliseconds(10);
  }
  throw notFrozen(file);
}

/** New processes can keep a v1 cgroup in FREEZING for ever. Thawing now and then, and waiting a little, gets it unstuck. */
function freezeV1(file: string): void {
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    if (looks % 50 === 49) {
      tryWriteExisting(file, "THAWED");
      sleepMilliseconds(10);
    }
    writeExisting(file, "FROZEN");
    if (looks % 25 === 24) sleepMilliseconds(0.01);
    if (read(file) === "FROZEN") return;
  }
  throw notFrozen(file);
}

function notFrozen(file: string): RuntimeFault {
  return new RuntimeFault({
    what: "unable to freeze",
    where: file,
    hint: "a process of the container is stuck in the kernel, or new ones keep coming",
  });
}

function read(path: string): string | undefined {
  try {
    return readTextIfThere(path)?.trim();
  } catch (error) {
    if (isErrno(error, ENODEV, ENOENT)) return undefined;
    throw error;
  }
}
