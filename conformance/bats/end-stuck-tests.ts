import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { basename, join } from "node:path";

/** What carries the tests; everything else below them is what a test has started. */
const carriers = ["sh", "dash", "bash", "bats", "script", "unshare", "sudo", "cat"];

/**
 * Watches the file that bats prints to. When it has not changed for `limitSeconds`, the test is stuck: what it has started is killed, so that
 * it fails and the next one begins. (bats' own limit runs as a child of the test, and some tests wait for all their children.)
 *
 * @param cgroup the directory of a cgroup that the tests run in.
 * @returns a function that ends the watch.
 */
export function endStuckTests(printed: string, cgroup: string, limitSeconds: number): () => void {
  let since = Date.now();
  const timer = setInterval(() => {
    since = Math.max(since, statSync(printed, { throwIfNoEntry: false })?.mtimeMs ?? 0);
    if (Date.now() - since < limitSeconds * 1000) return;
    since = Date.now();
    for (const pid of processesBelow(cgroup)) if (!carriers.includes(programOf(pid))) kill(pid);
  }, 2000);
  return () => clearInterval(timer);
}

/** Also those of containers that have no cgroup elsewhere. */
function processesBelow(cgroup: string): number[] {
  const own = readFileSync(join(cgroup, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
  const below = readdirSync(cgroup, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return below.reduce((found, { name }) => found.concat(processesBelow(join(cgroup, name))), own);
}

/** "" when it is gone. */
function programOf(pid: number): string {
  try {
    return basename(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return "";
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}
