/** linux.intelRdt: the container's group of the resctrl file system. config-linux.md, "IntelRdt". */
import { EEXIST, ENOENT } from "../../native-bindings/errno.ts";
import { AT_FDCWD, exists, readTextIfThere, tryRmdir, tryWriteExisting } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { LinuxIntelRdt } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { firstDifference, schemataText } from "./schemata.ts";

const FIELD = "/linux/intelRdt";

export interface ResctrlGroup {
  /** Of the file system. */
  readonly root: string;
  readonly path: string;
  /** The monitoring group, when the container has one of its own. */
  readonly monitoring: string | undefined;
  /** What goes into the group's schemata; "" leaves it as it is. */
  readonly schemata: string;
  /** What will have to be made, outermost first. */
  readonly missing: readonly string[];
  /** What delete removes, innermost first. A class that has a name of its own is for others, too, and stays. */
  readonly owned: readonly string[];
}

/**
 * Decides on the group, and makes nothing.
 *
 * @param root where resctrl is mounted.
 * @throws RuntimeFault for a class that must be there and isn't, or is there and differs; for what the hardware doesn't have.
 */
export function planGroup(root: string | undefined, id: string, rdt: LinuxIntelRdt): ResctrlGroup {
  if (root === undefined) {
    throw new RuntimeFault({
      what: "intelRdt is specified in config, but Intel RDT is not enabled: no resctrl file system is mounted",
      where: FIELD,
      hint: "mount -t resctrl resctrl /sys/fs/resctrl, on a CPU and kernel that have it",
    });
  }
  checkHardware(root, rdt);
  const { closID } = rdt;
  const path = closID === "/" ? root : `${root}/${closID || id}`;
  const there = exists(path);
  let schemata = schemataText(rdt);
  if (closID) {
    if (schemata === "" && !there) {
      const what =
        "clos dir not accessible (must be pre-created when schemata, l3CacheSchema and memBwSchema are empty)";
      throw new RuntimeFault({ what, where: `${FIELD}/closID`, value: path, errno: ENOENT });
    }
    // Others are in the class: it is taken as it is, or not at all.
    if (there && schemata !== "") {
      refuseDifference(path, schemata);
      schemata = "";
    }
  }
  const monitoring = rdt.enableMonitoring ? `${path}/mon_groups/${id}` : undefined;
  const missing = there ? [] : [path];
  if (monitoring !== undefined && !exists(monitoring)) missing.push(monitoring);
  const owned = missing.filter((directory) => directory === monitoring || !closID).reverse();
  return { root, path, monitoring, schemata, missing, owned };
}

function checkHardware(root: string, { l3CacheSchema, memBwSchema, enableMonitoring }: LinuxIntelRdt): void {
  const refuse = (field: string, what: string) => {
    throw new RuntimeFault({
      what: `intelRdt.${field} is specified in config, but ${what}`,
      where: `${FIELD}/${field}`,
    });
  };
  if (l3CacheSchema && !exists(`${root}/info/L3`)) refuse("l3CacheSchema", "Intel RDT/CAT is not enabled");
  if (memBwSchema && !exists(`${root}/info/MB`)) refuse("memBwSchema", "Intel RDT/MBA is not enabled");
  if (enableMonitoring && !exists(`${root}/mon_groups`))
    refuse("enableMonitoring", "Intel RDT/CMT and MBM are not enabled");
}

function refuseDifference(path: string, wanted: string): void {
  const different = firstDifference(wanted, readTextIfThere(`${path}/schemata`) ?? "");
  if (different === undefined) return;
  throw new RuntimeFault({
    what: "the class of service exists, with another schemata",
    where: `${FIELD}/closID`,
    value: `${path} does not have ${different}`,
    hint: "leave the schemata out to use the class as it is, or choose another closID",
  });
}

/** Makes the group with its schemata, and puts the process in it. @throws RuntimeFault with what the kernel says about it. */
export function enterGroup(group: ResctrlGroup, pid: number): void {
  const { root, path, monitoring, schemata } = group;
  for (const directory of group.missing) {
    const made = syscall(SYS.mkdirat, AT_FDCWD, cstring(directory), 0o755);
    if (made < 0 && made !== -EEXIST) throw refused(root, "unable to create the resctrl group", directory, -made);
  }
  // Before anyone is in it.
  if (schemata !== "") write(root, `${path}/schemata`, schemata, "unable to write the schemata");
  addTask(root, path, pid);
  if (monitoring !== undefined) addTask(root, monitoring, pid);
}

/** Changes what a group is allotted: the resources that are named, the others stay. @throws RuntimeFault */
export function changeSchemata(root: string, group: string, rdt: LinuxIntelRdt): void {
  write(root, `${group}/schemata`, schemataText(rdt), "unable to write the schemata");
}

/** Puts a process in a group, which its children inherit. @throws RuntimeFault */
export function addTask(root: string, group: string, pid: number): void {
  write(root, `${group}/tasks`, `${pid}`, `unable to add pid ${pid} to the resctrl group`);
}

function write(root: string, path: string, content: string, what: string): void {
  const result = tryWriteExisting(path, content);
  if (result < 0) throw refused(root, what, `${path}: ${content.trimEnd()}`, -result);
}

/** The kernel has more to say about the last failure than an errno: info/last_cmd_status. */
function refused(root: string, what: string, value: string, errno: number): RuntimeFault {
  const status = readTextIfThere(`${root}/info/last_cmd_status`)?.trim();
  return new RuntimeFault({
    what,
    where: FIELD,
    value,
    errno,
    hint: status ? `last_cmd_status: ${status}` : undefined,
  });
}

/** Removes groups, innermost first: their tasks go to the group above. @throws RuntimeFault */
export function removeGroups(directories: readonly string[]): void {
  for (const path of directories) {
    const result = tryRmdir(path);
    if (result < 0 && result !== -ENOENT) {
      throw new RuntimeFault({ what: "unable to remove the resctrl group", value: path, errno: -result });
    }
  }
}

/** What was made for a container that came to nothing: a class that another one has come to use meanwhile stays. */
export function undoGroup({ missing }: ResctrlGroup): void {
  const removable: string[] = [];
  for (const path of missing) if (!readTextIfThere(`${path}/tasks`)?.trim()) removable.unshift(path);
  removeGroups(removable);
}
