import type { LinuxBlockIO, LinuxCPU, LinuxMemory, LinuxResources } from "../config.ts";
import { type ConfigFault, child, fault, warning } from "../config-fault.ts";
import { checkDeviceRules } from "./devices.ts";
import { countNumberList } from "./number-list.ts";

/** config-linux.md "Control groups", as far as no cgroup need be looked at. `at` is the pointer of the resources. */
export function checkResources(resources: LinuxResources, at: string, into: ConfigFault[]): void {
  if (resources.devices !== undefined) checkDeviceRules(resources.devices, `${at}/devices`, into);
  if (resources.memory !== undefined) checkMemory(resources.memory, `${at}/memory`, into);
  if (resources.cpu !== undefined) checkCpu(resources.cpu, `${at}/cpu`, into);
  if (resources.blockIO !== undefined) checkBlockIo(resources.blockIO, `${at}/blockIO`, into);
  const { hugepageLimits = [], network, rdma = {}, unified = {} } = resources;
  for (let i = 0; i < hugepageLimits.length; i++) {
    const size = hugepageLimits[i]!.pageSize;
    if (isPageSize(size)) continue;
    fault(into, `${at}/hugepageLimits/${i}/pageSize`, "invalid huge page size", size, "a size such as 2MB or 1GB");
  }
  const priorities = network?.priorities ?? [];
  for (let i = 0; i < priorities.length; i++) {
    const { name } = priorities[i]!;
    if (!isWord(name)) fault(into, `${at}/network/priorities/${i}/name`, "invalid network interface name", name);
  }
  for (const name of Object.keys(rdma)) {
    if (!isWord(name)) fault(into, child(`${at}/rdma`, name), "invalid rdma device name", name);
  }
  for (const key of Object.keys(unified)) {
    const pointer = child(`${at}/unified`, key);
    if (key.includes("/")) fault(into, pointer, `unified resource "${key}" must be a file name (no slashes)`);
    else if (key.indexOf(".") <= 0) fault(into, pointer, `unified resource "${key}" has no controller`);
    else if (key === "cgroup.procs" || key === "cgroup.threads") fault(into, pointer, "not a resource", key);
  }
}

const memoryLimits = ["limit", "reservation", "swap", "kernel", "kernelTCP"] as const;

/** -1 is no limit, 0 is "leave it". */
function checkMemory(memory: LinuxMemory, at: string, into: ConfigFault[]): void {
  for (const name of memoryLimits) {
    const value = memory[name];
    if (value !== undefined && value < -1) fault(into, `${at}/${name}`, "negative memory limit", value, "-1 or more");
  }
  const { limit, swap, swappiness } = memory;
  if (limit !== undefined && swap !== undefined && limit > 0 && swap > 0 && swap < limit) {
    fault(into, `${at}/swap`, "memory+swap limit should be >= memory limit", swap, `at least ${limit}`);
  }
  if (swappiness !== undefined && swappiness > 100) {
    const message = `invalid memory swappiness value: ${swappiness} (valid range is 0-100)`;
    fault(into, `${at}/swappiness`, message, swappiness);
  }
  if (memory.kernel !== undefined || memory.kernelTCP !== undefined) {
    warning(into, at, "Kernel memory settings are ignored and will be removed");
  }
}

function checkCpu(cpu: LinuxCPU, at: string, into: ConfigFault[]): void {
  for (const name of ["cpus", "mems"] as const) {
    const list = cpu[name];
    if (!list || (countNumberList(list) && !list.includes("\n"))) continue;
    fault(into, `${at}/${name}`, `invalid list for cpuset.${name}`, list, "a list such as 0-3,7");
  }
  if (cpu.idle !== undefined && cpu.idle !== 0 && cpu.idle !== 1) {
    fault(into, `${at}/idle`, "invalid cpu.idle", cpu.idle, "0 or 1");
  }
}

function checkBlockIo(io: LinuxBlockIO, at: string, into: ConfigFault[]): void {
  checkWeight(io.weight, `${at}/weight`, into);
  checkWeight(io.leafWeight, `${at}/leafWeight`, into);
  const weights = io.weightDevice ?? [];
  for (let i = 0; i < weights.length; i++) {
    const { major, minor, weight, leafWeight } = weights[i]!;
    checkWeight(weight, `${at}/weightDevice/${i}/weight`, into);
    checkWeight(leafWeight, `${at}/weightDevice/${i}/leafWeight`, into);
    checkBlockDevice(major, minor, `${at}/weightDevice/${i}`, into);
  }
  for (const name of throttles) {
    const devices = io[name] ?? [];
    for (let i = 0; i < devices.length; i++) {
      checkBlockDevice(devices[i]!.major, devices[i]!.minor, `${at}/${name}/${i}`, into);
    }
  }
}

const throttles = [
  "throttleReadBpsDevice",
  "throttleWriteBpsDevice",
  "throttleReadIOPSDevice",
  "throttleWriteIOPSDevice",
] as const;

/** 0 is "not set", as runc has it. */
function checkWeight(weight: number | undefined, at: string, into: ConfigFault[]): void {
  if (!weight || (weight >= 10 && weight <= 1000)) return;
  fault(into, at, "invalid block I/O weight", weight, "10 to 1000");
}

function checkBlockDevice(major: number | bigint, minor: number | bigint, at: string, into: ConfigFault[]): void {
  if (major < 0 || minor < 0) fault(into, at, "negative device number", `${major}:${minor}`);
}

/** The name goes into a file's name: digits, then KB, MB or GB, and nothing else. */
function isPageSize(size: string): boolean {
  const digits = size.length - 2;
  if (digits < 1 || size[0] === "0" || size[digits + 1] !== "B" || !"KMG".includes(size[digits]!)) return false;
  for (let at = 0; at < digits; at++) if (size.charCodeAt(at) < 48 || size.charCodeAt(at) > 57) return false;
  return true;
}

/** Written as the first of several words in one line of a cgroup file. */
function isWord(name: string): boolean {
  if (name === "") return false;
  for (let at = 0; at < name.length; at++) if (name.charCodeAt(at) <= 32) return false;
  return true;
}
