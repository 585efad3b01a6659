/** Over a tree of plain files: what the kernel does with them is its own affair. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { LinuxIntelRdt } from "../bundle/config.ts";
import { enterGroup, planGroup, removeGroups, undoGroup } from "./group.ts";
import { mountPointOf } from "./root.ts";
import { firstDifference, schemataText } from "./schemata.ts";

let root: string;

const put = (path: string, content = "") => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), content);
};
const get = (path: string) => readFileSync(join(root, path), "utf8");

/** The files that the kernel puts into a new group. */
function furnish(group: string): void {
  put(join(group, "tasks"));
  put(join(group, "schemata"), "    L3:0=7ff;1=7ff\n    MB:0=100;1=100\n");
  mkdirSync(join(root, group, "mon_groups"), { recursive: true });
}

function unfurnish(...groups: string[]): void {
  for (const group of groups)
    for (const file of ["tasks", "schemata"]) rmSync(join(root, group, file), { force: true });
}

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "resctrl-"));
  furnish("");
  for (const resource of ["L3", "MB", "L3_MON"]) mkdirSync(join(root, "info", resource), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const plan = (rdt: LinuxIntelRdt) => planGroup(root, "box", rdt);

describe("a container without a class has a group of its own", () => {
  test("of its id, which delete removes", () => {
    const group = plan({ schemata: ["L3:0=f;1=f"] });
    expect(group).toMatchObject({ path: `${root}/box`, missing: [`${root}/box`], owned: [`${root}/box`] });
    furnish("box");
    put("box/schemata");
    enterGroup(group, 42);
    expect([get("box/schemata"), get("box/tasks")]).toEqual(["L3:0=f;1=f\n", "42"]);
    unfurnish("box");
    rmSync(join(root, "box/mon_groups"), { recursive: true });
    removeGroups(group.owned);
    expect(existsSync(join(root, "box"))).toBe(false);
    removeGroups(group.owned);
  });

  test("that is left alone when it was there before", () => {
    furnish("box");
    expect(plan({ l3CacheSchema: "L3:0=f" })).toMatchObject({ schemata: "L3:0=f\n", missing: [], owned: [] });
  });

  test("with a monitoring group inside it, which goes first", () => {
    const { owned, missing } = plan({ enableMonitoring: true });
    expect(owned).toEqual([`${root}/box/mon_groups/box`, `${root}/box`]);
    expect(missing).toEqual([...owned].reverse());
  });
});

describe("a class with a name", () => {
  test("must be there when nothing says what it is", () => {
    expect(() => plan({ closID: "gold" })).toThrow(/clos dir not accessible.*ENOENT.*\/linux\/intelRdt\/closID/);
  });

  test("is used as it is", () => {
    furnish("gold");
    const group = plan({ closID: "gold" });
    expect(group).toMatchObject({ path: `${root}/gold`, schemata: "", missing: [], owned: [] });
    enterGroup(group, 42);
    expect(get("gold/tasks")).toBe("42");
  });

  test("is made, and stays", () => {
    expect(plan({ closID: "gold", memBwSchema: "MB:0=20" })).toMatchObject({
      schemata: "MB:0=20\n",
      missing: [`${root}/gold`],
      owned: [],
    });
  });

  test("that is there must be what the config says, and is not written to", () => {
    furnish("gold");
    expect(plan({ closID: "gold", l3CacheSchema: "L3:1=07FF", memBwSchema: "MB:0=100" }).schemata).toBe("");
    expect(() => plan({ closID: "gold", memBwSchema: "MB:0=20" })).toThrow(/another schemata.*MB:0=20/);
    expect(get("gold/schemata")).toContain("MB:0=100");
  });

  test("may be the root's", () => {
    expect(plan({ closID: "/" }).path).toBe(root);
  });

  test("has a monitoring group of the container, which delete removes", () => {
    furnish("gold");
    expect(plan({ closID: "gold", enableMonitoring: true }).owned).toEqual([`${root}/gold/mon_groups/box`]);
  });

  test("that was made for a container that came to nothing goes, unless it has come to be used", () => {
    const group = plan({ closID: "gold", schemata: ["L3:0=f"] });
    furnish("gold");
    put("gold/tasks", "43\n");
    undoGroup(group);
    expect(existsSync(join(root, "gold"))).toBe(true);
    unfurnish("gold");
    rmSync(join(root, "gold/mon_groups"), { recursive: true });
    undoGroup(group);
    expect(existsSync(join(root, "gold"))).toBe(false);
  });
});

describe("what is not there is refused by name:", () => {
  test("resctrl", () => {
    expect(() => planGroup(undefined, "box", {})).toThrow(/Intel RDT is not enabled.*\/linux\/intelRdt/);
  });

  const parts: [field: keyof LinuxIntelRdt, missing: string, rdt: LinuxIntelRdt][] = [
    ["l3CacheSchema", "info/L3", { l3CacheSchema: "L3:0=f" }],
    ["memBwSchema", "info/MB", { memBwSchema: "MB:0=20" }],
    ["enableMonitoring", "mon_groups", { enableMonitoring: true }],
  ];
  for (const [field, missing, rdt] of parts) {
    test(field, () => {
      rmSync(join(root, missing), { recursive: true });
      expect(() => plan(rdt)).toThrow(`/linux/intelRdt/${field}`);
    });
  }
});

test("a failure is told with the kernel's own words", () => {
  put("info/last_cmd_status", "mask f is not contiguous\n");
  const group = plan({ schemata: ["L3:0=5"] });
  expect(() => enterGroup(group, 42)).toThrow(
    /unable to write the schemata.*last_cmd_status: mask f is not contiguous/,
  );
});

test("schemata come last", () => {
  expect(schemataText({ schemata: ["L2:0=f", "MB:0=30"], memBwSchema: "MB:0=20", l3CacheSchema: "L3:0=f" })).toBe(
    "L3:0=f\nMB:0=20\nL2:0=f\nMB:0=30\n",
  );
});

test("values are compared, not letters", () => {
  expect(firstDifference("L3:0=00f;1=F", " L3: 0=f; 1=f\n")).toBeUndefined();
  expect(firstDifference("L3:0=f;1=e", "L3:0=f;1=f\n")).toBe("L3:1=e");
  expect(firstDifference("L2:0=f", "L3:0=f\n")).toBe("L2:0=f");
});

test("resctrl is found where it is mounted", () => {
  const lines = "22 1 0:5 / /proc rw - proc proc rw\n30 1 0:9 / /mnt/r\\040c rw shared:3 - resctrl resctrl rw\n";
  expect(mountPointOf("resctrl", lines)).toBe("/mnt/r c");
  expect(mountPointOf("btrfs", lines)).toBeUndefined();
});
