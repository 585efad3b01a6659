import { expect, test } from "bun:test";
import { parseCgroupLayout, readCgroupLayout } from "./cgroup-layout.ts";

const unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate\n";

test("a host with cgroup2 alone is v2", () => {
  expect(parseCgroupLayout(`22 1 8:1 / / rw - ext4 /dev/sda rw\n${unified}`, "0::/user.slice/a:b\n")).toEqual({
    mode: "v2",
    hierarchies: [{ key: "", controllers: "", mountPoint: "/sys/fs/cgroup", ownPath: "/user.slice/a:b" }],
  });
});

test("co-mounted controllers are entries of their own with one mount point, and cgroup2 beside v1 is hybrid", () => {
  const mountinfo =
    "31 30 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n" +
    "32 30 0:28 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n" +
    "33 30 0:29 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n" +
    "34 30 0:30 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/x,name=systemd\n";
  const own = "4:cpu,cpuacct:/a\n3:cpuset:/\n2:pids:/not-mounted\n1:name=systemd:/b\n0::/c\n";
  const layout = parseCgroupLayout(mountinfo, own);
  expect(layout.mode).toBe("hybrid");
  expect(layout.hierarchies).toEqual([
    { key: "cpu", controllers: "cpu,cpuacct", mountPoint: "/sys/fs/cgroup/cpu,cpuacct", ownPath: "/a" },
    { key: "cpuacct", controllers: "cpu,cpuacct", mountPoint: "/sys/fs/cgroup/cpu,cpuacct", ownPath: "/a" },
    { key: "cpuset", controllers: "cpuset", mountPoint: "/sys/fs/cgroup/cpuset", ownPath: "/" },
    { key: "name=systemd", controllers: "name=systemd", mountPoint: "/sys/fs/cgroup/systemd", ownPath: "/b" },
    { key: "", controllers: "", mountPoint: "/sys/fs/cgroup/unified", ownPath: "/c" },
  ]);
});

test("cgroup2 in the kernel without a mount leaves v1", () => {
  const mountinfo = "33 30 0:29 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids\n";
  expect(parseCgroupLayout(mountinfo, "1:pids:/\n0::/\n").mode).toBe("v1");
});

test("the own path is below the root that is mounted, as in a nested container", () => {
  const mount = (root: string) => `33 30 0:29 ${root} /sys/fs/cgroup/pids ro - cgroup cgroup ro,pids\n`;
  const own = (root: string, path: string) =>
    parseCgroupLayout(mount(root), `1:pids:${path}\n`).hierarchies[0]!.ownPath;
  expect(own("/docker/x", "/docker/x")).toBe("/");
  expect(own("/docker/x", "/docker/x/inner")).toBe("/inner");
  expect(own("/docker/x", "/docker/xy")).toBe("/");
  expect(own("/docker/x", "/elsewhere")).toBe("/");
  expect(own("/..", "/")).toBe("/");
  expect(own("/", "/../sibling")).toBe("/");
});

test("mountinfo's octal escapes are undone", () => {
  const mountinfo = "33 30 0:29 /a\\040b /mnt/c\\134d\\040e rw - cgroup cgroup rw,pids\n";
  const [pids] = parseCgroupLayout(mountinfo, "1:pids:/a b/c\n").hierarchies;
  expect(pids).toMatchObject({ mountPoint: "/mnt/c\\d e", ownPath: "/c" });
});

test("of several mounts of a hierarchy the one in /sys/fs/cgroup counts", () => {
  const mountinfo =
    "60 30 0:26 / /var/lib/rootfs/sys/fs/cgroup ro - cgroup2 cgroup2 ro\n" +
    unified +
    "61 30 0:26 / /srv/cgroup rw - cgroup2 cgroup2 rw";
  expect(parseCgroupLayout(mountinfo, "0::/\n").hierarchies[0]!.mountPoint).toBe("/sys/fs/cgroup");
});

test("this machine has a layout", () => {
  expect(readCgroupLayout().hierarchies.length).toBeGreaterThan(0);
});
