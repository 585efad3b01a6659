import { readTextIfThere, tryWriteExisting } from "../../native-bindings/files.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { applyWrites } from "./apply-writes.ts";
import type { ResourceWrite } from "./resource-write.ts";
import { valueToRestore } from "./value-to-restore.ts";

interface Before {
  readonly path: string;
  readonly file: string;
  readonly written: string;
  readonly content: string;
  /** Undefined when no write would bring the content back. */
  readonly value: string | undefined;
}

/**
 * Writes limits into the cgroup of a container that is running. When one is refused, those before it are put back to what
 * was in force.
 *
 * @param complain takes a line on each limit that can't be put back.
 * @returns what puts all of them back, should something that goes with them fail.
 * @throws RuntimeFault as {@link applyWrites}.
 */
export function applyUpdate(
  paths: Readonly<Record<string, string>>,
  writes: readonly ResourceWrite[],
  complain: (line: string) => void,
): () => void {
  const before: Before[] = [];
  for (const write of writes) {
    const directory = paths[write.key];
    const state = directory === undefined ? undefined : stateOf(directory, write);
    if (state !== undefined) before.push(state);
  }
  const undo = () => putBack(before.toReversed(), complain);
  try {
    applyWrites(paths, writes);
  } catch (error) {
    undo();
    throw error;
  }
  return undo;
}

function stateOf(directory: string, write: ResourceWrite): Before | undefined {
  for (const target of [write, write.orElse]) {
    if (target === undefined) continue;
    const path = `${directory}/${target.file}`;
    const content = contentOf(path);
    if (content === undefined) continue;
    const { file, value: written } = target;
    return { path, file, written, content, value: valueToRestore(file, written, content) };
  }
  return undefined;
}

/** Some pairs of values are valid only together, and one must come first: so again, for as long as it leads on. */
function putBack(before: readonly Before[], complain: (line: string) => void): void {
  let left = before.filter(isChanged);
  for (let previous = left.length + 1; left.length > 0 && left.length < previous; ) {
    previous = left.length;
    for (const { path, value } of left) if (value !== undefined) tryWriteExisting(path, value);
    left = left.filter(isChanged);
  }
  for (const { path, content } of left) complain(`${path} could not be put back to ${JSON.stringify(content.trim())}`);
}

/** Not by the whole content: there may be counters in it. */
function isChanged({ path, file, written, content, value }: Before): boolean {
  const now = contentOf(path);
  if (now === undefined || now === content) return false;
  return value === undefined || valueToRestore(file, written, now) !== value;
}

/** Undefined when there is no such file, or it can't be read: some can only be written. */
function contentOf(path: string): string | undefined {
  try {
    return readTextIfThere(path);
  } catch (error) {
    if (error instanceof SystemError) return undefined;
    throw error;
  }
}
