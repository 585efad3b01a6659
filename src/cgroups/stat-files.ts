/** The formats of the files that cgroups count in. Counters have 64 bits, so they are bigints. */
import { ENODEV, ENOENT, EOPNOTSUPP } from "../../native-bindings/errno.ts";
import { readTextIfThere } from "../../native-bindings/files.ts";
import { isErrno } from "../../native-bindings/system-error.ts";

/** What "max" counts as: no limit. */
export const UNLIMITED = 2n ** 64n - 1n;

/** A file's text, or undefined when this kernel does not have it, or the cgroup has gone. */
export function contentOf(path: string): string | undefined {
  try {
    return readTextIfThere(path)?.trim();
  } catch (error) {
    // EOPNOTSUPP: pressure that is turned off by the kernel's command line, processes of a threaded cgroup.
    if (isErrno(error, ENODEV, ENOENT, EOPNOTSUPP)) return undefined;
    throw error;
  }
}

/** One number. Negative ones, which some kernels let slip, count as 0. Undefined when there is none. */
export function numberOf(text: string | undefined): bigint | undefined {
  if (text === "max") return UNLIMITED;
  if (text === undefined || !/^-?\d+$/.test(text)) return undefined;
  return text.startsWith("-") ? 0n : BigInt(text);
}

/** A file that holds one number. */
export function numberIn(path: string): bigint | undefined {
  return numberOf(contentOf(path));
}

/** A file of lines "key number", in its order. Lines of another form are left out. */
export function numbersIn(path: string): Map<string, bigint> | undefined {
  const content = contentOf(path);
  if (content === undefined) return undefined;
  const numbers = new Map<string, bigint>();
  for (const line of content.split("\n")) {
    const space = line.indexOf(" ");
    const value = numberOf(line.slice(space + 1));
    if (space > 0 && value !== undefined) numbers.set(line.slice(0, space), value);
  }
  return numbers;
}

/** A list such as "0-3,7", cpuset(7). */
export function listIn(path: string): number[] | undefined {
  const content = contentOf(path);
  if (!content) return undefined;
  const list: number[] = [];
  for (const range of content.split(",")) {
    const [first, last = first] = range.split("-").map(Number);
    for (let number = first!; number <= last!; number++) list.push(number);
  }
  return list;
}
