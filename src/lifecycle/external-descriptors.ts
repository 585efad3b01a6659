/** Standard streams that lead out of a container: what a checkpoint remembers of them, and what a restore puts in their place. */
import {
  close,
  O_CREAT,
  O_NOFOLLOW,
  O_TRUNC,
  O_WRONLY,
  readAll,
  readLink,
  readTextIfThere,
  tryOpenAt,
  tryReadDirectory,
  writeAll,
} from "../../native-bindings/files.ts";
import { text, utf8 } from "../../native-bindings/libc.ts";
import { pidsIn } from "../cgroups/processes.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { RuntimeFault } from "../report/fault.ts";

/** In the directory of the images: what init's descriptors 0 to 2 are, as a JSON array. The name and the form are runc's. */
const fileName = "descriptors.json";

/**
 * What init's standard streams are: "pipe:[1234]", "/dev/null" ... A pipe that has both its ends inside is saved whole by criu, and
 * must not be given out: for it the text is "".
 */
export function externalDescriptors(pid: number, cgroup: CgroupRecord | undefined): string[] {
  const streams = [0, 1, 2].map((fd) => readLink(`/proc/${pid}/fd/${fd}`) ?? "");
  if (cgroup === undefined || !streams.some(isPipe)) return streams;
  const inside = pipesInside(pidsIn(cgroup));
  return streams.map((stream) => (isPipe(stream) && inside.get(stream) === BOTH_ENDS ? "" : stream));
}

function isPipe(target: string): boolean {
  return target.startsWith("pipe:");
}

const READS = 1;
const WRITES = 2;
const BOTH_ENDS = READS | WRITES;
const O_ACCMODE = 3;

/** Which ends of which pipes these processes have open. */
function pipesInside(pids: readonly number[]): Map<string, number> {
  const ends = new Map<string, number>();
  for (const pid of pids) {
    const entries = tryReadDirectory(`/proc/${pid}/fd`);
    if (typeof entries === "number") continue;
    for (const { name } of entries) {
      const target = readLink(`/proc/${pid}/fd/${name}`) ?? "";
      if (isPipe(target)) ends.set(target, (ends.get(target) ?? 0) | endOf(pid, name));
    }
  }
  return ends;
}

/** The flags of an open file, in octal: proc_pid_fdinfo(5). */
function endOf(pid: number, fd: string): number {
  const flags = /^flags:\s*([0-7]+)$/m.exec(readTextIfThere(`/proc/${pid}/fdinfo/${fd}`) ?? "")?.[1];
  const mode = flags === undefined ? READS : Number.parseInt(flags, 8) & O_ACCMODE;
  return mode === 0 ? READS : mode === O_WRONLY ? WRITES : BOTH_ENDS;
}

/** Writes them down beside the images. @throws RuntimeFault */
export function saveDescriptors(images: number, descriptors: readonly string[]): void {
  const fd = tryOpenAt(images, fileName, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  if (fd < 0) throw new RuntimeFault({ what: `unable to write ${fileName}`, where: "--image-path", errno: -fd });
  try {
    writeAll(fd, utf8(JSON.stringify(descriptors)), fileName);
  } finally {
    close(fd);
  }
}

/**
 * The pipes that restored streams are to be replaced by the caller's: criu has these as its own 0 to 2.
 *
 * @throws RuntimeFault when the images have no such file, or it holds something else.
 */
export function pipesToReplace(images: number, imagePath: string): { key: string; fd: number }[] {
  const where = `${imagePath}/${fileName}`;
  const file = tryOpenAt(images, fileName, O_NOFOLLOW);
  if (file < 0) {
    throw new RuntimeFault({
      what: `open ${where}`,
      where: "--image-path",
      errno: -file,
      hint: "is it the directory of a checkpoint?",
    });
  }
  let streams: unknown;
  try {
    streams = JSON.parse(text(readAll(file, where, 1 << 20)));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  } finally {
    close(file);
  }
  if (!Array.isArray(streams) || streams.length > 3 || !streams.every((stream) => typeof stream === "string")) {
    throw new RuntimeFault({ what: "not the streams of a checkpoint: an array of at most three strings", where });
  }
  const pipes: { key: string; fd: number }[] = [];
  for (const [fd, key] of (streams as string[]).entries()) if (key.includes("pipe:")) pipes.push({ key, fd });
  return pipes;
}
