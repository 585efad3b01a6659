import { expect, test } from "bun:test";
import * as k from "../../native-bindings/constants.ts";
import { dataText, mountAttributes, parseMountOptions } from "./mount-options.ts";

const SET: readonly (readonly [string, number])[] = [
  ["ro", k.MS_RDONLY],
  ["nosuid", k.MS_NOSUID],
  ["nodev", k.MS_NODEV],
  ["noexec", k.MS_NOEXEC],
  ["sync", k.MS_SYNCHRONOUS],
  ["remount", k.MS_REMOUNT],
  ["mand", k.MS_MANDLOCK],
  ["dirsync", k.MS_DIRSYNC],
  ["nosymfollow", k.MS_NOSYMFOLLOW],
  ["noatime", k.MS_NOATIME],
  ["nodiratime", k.MS_NODIRATIME],
  ["silent", k.MS_SILENT],
  ["relatime", k.MS_RELATIME],
  ["iversion", k.MS_I_VERSION],
  ["strictatime", k.MS_STRICTATIME],
  ["lazytime", k.MS_LAZYTIME],
];
for (const [option, flag] of SET) {
  test(`${option} sets its flag`, () => {
    expect(parseMountOptions([option])).toMatchObject({ flags: flag, cleared: 0, data: [] });
  });
}

const CLEAR: readonly (readonly [string, string])[] = [
  ["ro", "rw"],
  ["nosuid", "suid"],
  ["nodev", "dev"],
  ["noexec", "exec"],
  ["sync", "async"],
  ["mand", "nomand"],
  ["nosymfollow", "symfollow"],
  ["noatime", "atime"],
  ["nodiratime", "diratime"],
  ["silent", "loud"],
  ["relatime", "norelatime"],
  ["iversion", "noiversion"],
  ["strictatime", "nostrictatime"],
  ["lazytime", "nolazytime"],
];
for (const [set, clear] of CLEAR) {
  test(`${clear} takes ${set} back, and the last of the two wins`, () => {
    const flag = parseMountOptions([set]).flags;
    expect(parseMountOptions([set, clear])).toMatchObject({ flags: 0, cleared: flag, data: [] });
    expect(parseMountOptions([clear, set])).toMatchObject({ flags: flag, cleared: 0 });
  });
}

test("propagation is a list in the order given", () => {
  const { propagation } = parseMountOptions(["rslave", "shared", "private", "runbindable"]);
  expect(propagation).toEqual([k.MS_SLAVE | k.MS_REC, k.MS_SHARED, k.MS_PRIVATE, k.MS_UNBINDABLE | k.MS_REC]);
});

test("recursive attributes: the field of access times is replaced as a whole", () => {
  expect(parseMountOptions(["rro", "rsuid", "rnoatime"])).toMatchObject({
    recursiveSet: k.MOUNT_ATTR_RDONLY | k.MOUNT_ATTR_NOATIME,
    recursiveClear: k.MOUNT_ATTR_NOSUID | k.MOUNT_ATTR_ATIME_MASK,
    data: [],
  });
  expect(parseMountOptions(["rstrictatime", "rrelatime"])).toMatchObject({
    recursiveSet: 0,
    recursiveClear: k.MOUNT_ATTR_ATIME_MASK,
  });
});

test("bind, rbind, tmpcopyup, idmap and ridmap are no data, and defaults is nothing", () => {
  expect(parseMountOptions(["bind", "defaults"])).toMatchObject({ bind: true, recursive: false, data: [] });
  expect(parseMountOptions(["rbind", "ridmap"])).toMatchObject({ bind: true, recursive: true, idmap: "recursive" });
  expect(parseMountOptions(["tmpcopyup", "idmap"])).toMatchObject({ copyUp: true, idmap: "top" });
});

test("everything else is the file system's, in order", () => {
  const { data } = parseMountOptions(["size=1k", "ro", "newinstance", "lowerdir=a=b:c"]);
  expect(dataText(data)).toBe("size=1k,newinstance,lowerdir=a=b:c");
  expect(data[2]).toEqual({ key: "lowerdir", value: "a=b:c" });
});

test("flags of a mount as attributes", () => {
  expect(mountAttributes(k.MS_RDONLY | k.MS_NOSUID | k.MS_NODIRATIME | k.MS_NOSYMFOLLOW)).toBe(
    k.MOUNT_ATTR_RDONLY | k.MOUNT_ATTR_NOSUID | k.MOUNT_ATTR_NODIRATIME | k.MOUNT_ATTR_NOSYMFOLLOW,
  );
  expect(mountAttributes(k.MS_NOATIME | k.MS_STRICTATIME)).toBe(k.MOUNT_ATTR_STRICTATIME);
});
