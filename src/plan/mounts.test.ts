import { expect, test } from "bun:test";
import { rootfsInput, rootfsProgram, runRootfs, withRootfs } from "./run-rootfs-for-test.ts";

/** As `runc spec` writes them. */
const DEFAULT_MOUNTS = [
  { destination: "/proc", type: "proc", source: "proc" },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
  },
  {
    destination: "/dev/shm",
    type: "tmpfs",
    source: "shm",
    options: ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
  },
  { destination: "/dev/mqueue", type: "mqueue", source: "mqueue", options: ["nosuid", "noexec", "nodev"] },
  { destination: "/sys", type: "sysfs", source: "sysfs", options: ["nosuid", "noexec", "nodev", "ro"] },
];
const MASKED = [
  "/proc/acpi",
  "/proc/asound",
  "/proc/kcore",
  "/proc/keys",
  "/proc/latency_stats",
  "/proc/timer_list",
  "/proc/timer_stats",
  "/proc/sched_debug",
  "/sys/firmware",
  "/proc/scsi",
];
const READONLY = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
const DEFAULT_LINUX = { maskedPaths: MASKED, readonlyPaths: READONLY };

test("runc's default spec: mountinfo, devices, links, masks", () => {
  withRootfs((rootfs) => {
    const input = rootfsInput(rootfs, {
      mounts: DEFAULT_MOUNTS,
      linux: DEFAULT_LINUX,
      root: { path: rootfs, readonly: true },
    });
    const { program } = rootfsProgram(input, "");
    console.log("operations", program.length, "constants", program.constantBytes().length);
    const run = runRootfs(input, "cat /proc/self/mountinfo; ls -la /dev; cat /proc/kcore; ls /sys/firmware; touch /x");
    console.log(run);
    expect(run.failed).toBeUndefined();
  });
});
