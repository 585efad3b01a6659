/** Highest number that a list of CPUs or memory nodes may name: what runc accepts, far above any kernel's. */
const highest = 65536;

/**
 * How many numbers a list such as "0-3,7" names, or undefined when it is not a list: cpuset(7) "List format".
 * Spaces around items and empty items are allowed, as in runc; a range must ascend.
 */
export function countNumberList(list: string): number | undefined {
  let count = 0;
  for (const item of list.split(",")) {
    const range = item.trim();
    if (range === "") continue;
    const dash = range.indexOf("-");
    const first = decimal(dash < 0 ? range : range.slice(0, dash));
    const last = dash < 0 ? first : decimal(range.slice(dash + 1));
    if (first === undefined || last === undefined || last < first) return undefined;
    count += last - first + 1;
  }
  return count;
}

function decimal(text: string): number | undefined {
  if (text.length === 0 || text.length > 5) return undefined;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 48 || code > 57) return undefined;
  }
  const value = Number(text);
  return value > highest ? undefined : value;
}
