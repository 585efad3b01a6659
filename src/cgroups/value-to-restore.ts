/** Control files that take one line for each device, interface or the like, which its first word names. */
const keyedFiles = ["rdma.max", "net_prio.ifpriomap", "misc.max"];

/**
 * What is to be written to a control file so that it says again what it said before.
 *
 * @param file its name.
 * @param written what was written meanwhile: of a file with a line for each device it names the one.
 * @param before the file's content then.
 * @returns undefined when no write would do it.
 */
export function valueToRestore(file: string, written: string, before: string): string | undefined {
  const key = written.split(" ", 1)[0]!;
  const isKeyed = keyedFiles.includes(file) || (/^\d+:\d+$/.test(key) && written !== key);
  if (isKeyed) return lineOf(key, before) ?? noLimit(file, key);
  if (file === "memory.oom_control") return /^oom_kill_disable (\d)$/m.exec(before)?.[1];
  // Of "default 100" and the lines of devices below it, a write without a device changes the first only.
  const [first = ""] = before.split("\n");
  // An empty cpuset is the parent's; write(2) of nothing at all would not reach the kernel.
  return first === "" ? "\n" : first;
}

function lineOf(key: string, content: string): string | undefined {
  return content.split("\n").find((line) => line.startsWith(`${key} `));
}

/** The line for a device that had none. */
function noLimit(file: string, key: string): string | undefined {
  if (file === "io.max") return `${key} rbps=max wbps=max riops=max wiops=max`;
  if (file === "io.weight" || file === "io.bfq.weight") return `${key} default`;
  if (file.startsWith("blkio.")) return `${key} 0`;
  return undefined;
}
