import { testRows } from "../document-table.ts";

const at = "/linux/resources";
const set = (path: string, value: unknown) => ({ [`${at}/${path}`]: value });

testRows([
  ["no limit is -1", set("memory", { limit: -1, swap: -1, reservation: -1 })],
  ["a memory limit is not below -1", set("memory/limit", -5), `${at}/memory/limit: negative memory limit`],
  [
    "a memory limit has 63 bits",
    set("memory/limit", 9223372036854775808n),
    `${at}/memory/limit: not an integer of type int64`,
  ],
  ["the largest memory limit is accepted", set("memory/limit", 9223372036854775807n)],
  [
    "swap counts memory in",
    set("memory", { limit: 100, swap: 99 }),
    `${at}/memory/swap: memory+swap limit should be >= memory limit`,
  ],
  ["swap may equal memory", set("memory", { limit: 100, swap: 100 })],
  ["swap of 0 is left alone", set("memory", { limit: 100, swap: 0 })],
  [
    "swappiness ends at 100",
    set("memory/swappiness", 101),
    `${at}/memory/swappiness: invalid memory swappiness value: 101 (valid range is 0-100)`,
  ],
  [
    "kernel memory is told",
    set("memory/kernel", 1),
    `warning ${at}/memory: Kernel memory settings are ignored and will be removed`,
  ],
  ["CPUs are a list", set("cpu", { cpus: "0-3,7", mems: "0" })],
  ["a range has an end", set("cpu/cpus", "0-"), `${at}/cpu/cpus: invalid list for cpuset.cpus`],
  ["a list is one line", set("cpu/mems", "0\n0"), `${at}/cpu/mems: invalid list for cpuset.mems`],
  ["an empty list is none", set("cpu/cpus", "")],
  ["idle is 0 or 1", set("cpu/idle", 2), `${at}/cpu/idle: invalid cpu.idle`],
  ["shares are not negative", set("cpu/shares", -1), `${at}/cpu/shares: not an integer of type uint64`],
  ["pids may be negative or 0", set("pids/limit", -5)],
  ["a weight is at least 10", set("blockIO/weight", 9), `${at}/blockIO/weight: invalid block I/O weight`],
  [
    "a weight is at most 1000",
    set("blockIO/weightDevice", [{ major: 8, minor: 0, weight: 1001 }]),
    `${at}/blockIO/weightDevice/0/weight: invalid block I/O weight`,
  ],
  ["a weight of 0 is none", set("blockIO/weight", 0)],
  [
    "a throttled device has numbers",
    set("blockIO/throttleReadBpsDevice", [{ major: -1, minor: 0, rate: 1 }]),
    `${at}/blockIO/throttleReadBpsDevice/0: negative device number`,
  ],
  [
    "huge pages have a size",
    set("hugepageLimits", [
      { pageSize: "2MB", limit: 0 },
      { pageSize: "1GB", limit: 1 },
    ]),
  ],
  [
    "a size has digits and a unit",
    set("hugepageLimits", [{ pageSize: "2TB", limit: 0 }]),
    `${at}/hugepageLimits/0/pageSize: invalid huge page size`,
  ],
  [
    "a size does not begin with 0",
    set("hugepageLimits", [{ pageSize: "02MB", limit: 0 }]),
    `${at}/hugepageLimits/0/pageSize: invalid huge page size`,
  ],
  [
    "a size is not a path",
    set("hugepageLimits", [{ pageSize: "../../xMB", limit: 0 }]),
    `${at}/hugepageLimits/0/pageSize: invalid huge page size`,
  ],
  [
    "an interface is one word",
    set("network/priorities", [{ name: "eth 0", priority: 1 }]),
    `${at}/network/priorities/0/name: invalid network interface name`,
  ],
  [
    "an rdma device is one word",
    set("rdma", { "a\nb": { hcaHandles: 1 } }),
    `${at}/rdma/a\nb: invalid rdma device name`,
  ],
  ["unified keys are files", set("unified", { "memory.high": "1" })],
  [
    "unified keys are not paths",
    set("unified", { "../memory.high": "1" }),
    `${at}/unified/..~1memory.high: unified resource "../memory.high" must be a file name (no slashes)`,
  ],
  [
    "unified keys name a controller",
    set("unified", { ".x": "1", memory: "2" }),
    `${at}/unified/.x: unified resource ".x" has no controller`,
    `${at}/unified/memory: unified resource "memory" has no controller`,
  ],
  [
    "unified keys move no processes",
    set("unified", { "cgroup.procs": "1" }),
    `${at}/unified/cgroup.procs: not a resource`,
  ],
]);
