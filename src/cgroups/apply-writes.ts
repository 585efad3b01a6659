import { EACCES, EBUSY, EINVAL, ENOENT, EPERM } from "../../native-bindings/errno.ts";
import { readTextIfThere, tryWriteExisting } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { ResourceWrite } from "./resource-write.ts";

/**
 * Writes limits into a container's cgroup, in order.
 *
 * @param paths the cgroup's directory in each hierarchy.
 * @throws RuntimeFault with the field, the file and the value of the first that the kernel does not take.
 */
export function applyWrites(paths: Readonly<Record<string, string>>, writes: readonly ResourceWrite[]): void {
  let waiting: ResourceWrite[] = [];
  for (const write of writes) {
    const result = writeOne(paths, write);
    if (result === -EINVAL && write.retryAfter !== undefined) {
      waiting.push(write);
      continue;
    }
    if (result < 0) refused(paths, write, -result);
    if (waiting.length === 0) continue;
    for (const again of waiting) {
      if (again.retryAfter !== write.file) continue;
      const second = writeOne(paths, again);
      if (second < 0) refused(paths, again, -second);
    }
    waiting = waiting.filter((again) => again.retryAfter !== write.file);
  }
  if (waiting[0] !== undefined) refused(paths, waiting[0], EINVAL);
}

/** @returns 0, also when the field may be left out, or a negative errno. */
function writeOne(paths: Readonly<Record<string, string>>, write: ResourceWrite): number {
  const directory = paths[write.key];
  if (directory === undefined) {
    throw new RuntimeFault({
      what: `cannot set ${write.key || "cgroup"} limit: container could not join or create cgroup`,
      where: write.pointer,
      value: write.value,
    });
  }
  const result = tryWriteExisting(`${directory}/${write.file}`, write.value);
  if (result === 0) return 0;
  if (result === -ENOENT && write.orElse)
    return tryWriteExisting(`${directory}/${write.orElse.file}`, write.orElse.value);
  if (result === -write.tolerate!) return 0;
  if (result === -EINVAL && write.perDevice) {
    const now = readTextIfThere(`${directory}/${write.file}`);
    if (now !== undefined && !now.startsWith("default")) return 0;
  }
  return result;
}

function refused(paths: Readonly<Record<string, string>>, write: ResourceWrite, errno: number): never {
  const { key, file, value, pointer: where } = write;
  const directory = paths[key]!;
  const call = `write(${JSON.stringify(`${directory}/${file}`)}, ${JSON.stringify(value)})`;
  if (errno === EBUSY && file === "memory.limit_in_bytes") {
    const usage = readTextIfThere(`${directory}/memory.usage_in_bytes`)?.trim();
    const peak = readTextIfThere(`${directory}/memory.max_usage_in_bytes`)?.trim();
    const what = `unable to set memory limit to ${value} (current usage: ${usage}, peak usage: ${peak})`;
    throw new RuntimeFault({ what, where, errno, call });
  }
  const missing =
    key === "" && (errno === ENOENT || errno === EPERM || errno === EACCES) ? controllerOf(write) : undefined;
  if (missing !== undefined && !controllersOf(directory).includes(missing)) {
    const field = where.startsWith("/linux/resources/unified/") ? `unified resource "${file}"` : file;
    const what = `${field} can't be set: controller "${missing}" not available`;
    throw new RuntimeFault({ what, where, errno, call, hint: "cgroup.subtree_control of its parents decides" });
  }
  if (errno === ENOENT && file.startsWith("memory.memsw.")) {
    const hint = "the kernel does not account swap (swapaccount=1)";
    throw new RuntimeFault({ what: `failed to write "${value}"`, where, errno, call, hint });
  }
  throw new RuntimeFault({ what: `error setting cgroup config: failed to write "${value}"`, where, errno, call });
}

function controllerOf(write: ResourceWrite): string | undefined {
  const controller = write.file.slice(0, write.file.indexOf("."));
  return controller === "cgroup" ? undefined : controller;
}

function controllersOf(directory: string): string[] {
  return (readTextIfThere(`${directory}/cgroup.controllers`) ?? "").trim().split(" ");
}
