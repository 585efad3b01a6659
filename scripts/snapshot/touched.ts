/** Which pages a command writes to, found by carrying it out and looking. */
import { commandWords, type Kind, type Stretches } from "./cargo.ts";
import { PAGE, ProcessMemory, startedEngine } from "./memory.ts";
import type { Piece } from "./pieces.ts";
import { waiting } from "./waiting.ts";

/** So many pages that are not written to are had with those beside them: one call more costs as much. */
const BRIDGED_PAGES = 1;

function kindOf(argv: readonly string[]): Kind {
  return commandWords.find(([word]) => argv.includes(word))?.[1] ?? "tend";
}

/**
 * Carries out command lines, one after the other.
 *
 * @param executable with the snapshot, which waits at the end of each command.
 * @param pieces the snapshot's.
 */
export async function touchedBy(
  executable: string,
  pieces: readonly Piece[],
  commandLines: readonly (readonly string[])[],
): Promise<Record<Kind, Stretches>> {
  const pages: Record<Kind, number[][]> = { make: [], exec: [], tend: [] };
  for (const argv of commandLines) {
    const child = Bun.spawn([executable, ...argv], { cwd: "/", env: {}, stdio: ["ignore", "ignore", "ignore"] });
    try {
      await waiting(child.pid);
      if (startedEngine(child.pid)) {
        throw new Error("the executable does not go on from its snapshot here: is kernel.randomize_va_space 0?");
      }
      pages[kindOf(argv)].push(ownPages(child.pid, pieces));
    } finally {
      child.kill("SIGKILL");
      await child.exited;
    }
  }
  return { make: stretches(pages.make), exec: stretches(pages.exec), tend: stretches(pages.tend) };
}

/** Of the memory that the snapshot has: the addresses of those pages that are the process's own by now. */
function ownPages(pid: number, pieces: readonly Piece[]): number[] {
  const memory = new ProcessMemory(pid);
  try {
    const found: number[] = [];
    for (const mapping of memory.mappings) {
      if (!mapping.writable || !pieces.some(({ start, end }) => mapping.start < end && start < mapping.end)) continue;
      for (const [i, isOwn] of memory.ownPages(mapping).entries()) if (isOwn) found.push(mapping.start + i * PAGE);
    }
    return found;
  } finally {
    memory.close();
  }
}

/** What most of the commands have written to: had in vain, a page costs half of what it spares. */
function stretches(commands: readonly (readonly number[])[]): Stretches {
  const counts = new Map<number, number>();
  for (const pages of commands) for (const page of pages) counts.set(page, (counts.get(page) ?? 0) + 1);
  const usual = [...counts].filter(([, count]) => 2 * count >= commands.length).map(([page]) => page);
  const result: [from: number, to: number][] = [];
  for (const page of usual.sort((a, b) => a - b)) {
    const last = result.at(-1);
    if (last !== undefined && page - last[1] <= BRIDGED_PAGES * PAGE) last[1] = page + PAGE;
    else result.push([page, page + PAGE]);
  }
  return result;
}
