import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { patience } from "./runtime.ts";

/** What a test could leave on the machine, found by a word that is in every name the test makes. */
export interface Places {
  /** The word: part of ids, cgroup names and directories, used by nobody else. */
  readonly tag: string;
  /** The runtime's --root. */
  readonly root: string;
  /** TMPDIR of the runtime. */
  readonly tmpdir: string;
}

/** Everything of ours that is there now, a line each. Empty when nothing was left behind. */
export function findLeftovers(places: Places): string[] {
  return [
    ...list(places.root).map((name) => `state entry ${name}`),
    ...list(places.tmpdir).map((name) => `temporary file ${name}`),
    ...cgroups("/sys/fs/cgroup", places.tag, 3).map((dir) => `cgroup ${dir}`),
    ...readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(places.tag))
      .map((line) => `mount ${line.split(" ")[4]}`),
    ...processes(places.tag).map((line) => `process ${line}`),
  ];
}

/** Polls until nothing is left or the time (milliseconds) is over: a killed process needs a moment to vanish. */
export async function waitUntilClean(places: Places, limitMs = patience * 2000): Promise<string[]> {
  const deadline = Date.now() + limitMs;
  for (;;) {
    const found = findLeftovers(places);
    if (found.length === 0 || Date.now() > deadline) return found;
    await Bun.sleep(20);
  }
}

/** Kills and removes what {@link findLeftovers} finds, so that one failing test doesn't make the next ones fail. */
export async function sweep(places: Places): Promise<void> {
  for (const line of processes(places.tag)) process.kill(Number(line.split(" ")[0]), "SIGKILL");
  await Bun.sleep(50);
  for (const dir of cgroups("/sys/fs/cgroup", places.tag, 3))
    Bun.spawnSync(["find", dir, "-depth", "-type", "d", "-delete"]);
  for (const line of readFileSync("/proc/self/mountinfo", "utf8").split("\n").reverse()) {
    if (line.includes(places.tag)) Bun.spawnSync(["umount", "--lazy", line.split(" ")[4]!]);
  }
}

/** Pids with a command line of ours, or in a cgroup of ours; zombies are not counted, they hold nothing. */
export function processes(tag: string): string[] {
  const found: string[] = [];
  for (const pid of list("/proc")) {
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const command = read(`/proc/${pid}/cmdline`).replaceAll("\0", " ");
    const ours =
      command.includes(tag) ||
      [read(`/proc/${pid}/cgroup`), read(`/proc/${pid}/environ`)].some((text) => text.includes(tag));
    if (ours && !/\) [ZX] /.test(read(`/proc/${pid}/stat`))) found.push(`${pid} ${command}`);
  }
  return found;
}

function cgroups(dir: string, tag: string, depth: number): string[] {
  if (depth === 0) return [];
  const found: string[] = [];
  for (const entry of list(dir, true)) {
    const path = join(dir, entry);
    if (entry.includes(tag)) found.push(path);
    else found.push(...cgroups(path, tag, depth - 1));
  }
  return found;
}

function list(dir: string, onlyDirectories = false): string[] {
  try {
    const entries = readdirSync(dir, { withFileTypes: true });
    return entries.filter((entry) => !onlyDirectories || entry.isDirectory()).map((entry) => entry.name);
  } catch {
    return []; // went away between being seen and being read, or was never made
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return ""; // the process has ended
  }
}
