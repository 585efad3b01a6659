/**
 * JSON as Go's encoding/json writes it: what callers of runc compare and parse.
 *
 * The differences to JSON.stringify: `<`, `>`, `&`, U+2028 and U+2029 are escaped in strings, and 64-bit integers
 * (bigint here) are plain numbers.
 */

/**
 * @param indent what one level is indented with; "" writes everything on one line.
 * @see https://pkg.go.dev/encoding/json#Marshal
 */
export function goJson(value: unknown, indent = ""): string {
  return escapedForHtml(JSON.stringify(value, exactNumber, indent));
}

/**
 * {@link goJson} for the hot path, without calling back for every member.
 *
 * @throws TypeError when the value holds a bigint.
 */
export function goJsonWithoutBigints(value: unknown, indent = ""): string {
  return escapedForHtml(JSON.stringify(value, undefined, indent));
}

function exactNumber(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJson(`${value}`) : value;
}

/** ES2025's JSON.rawJSON, which TypeScript's library does not declare yet. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

/**
 * These characters can only stand inside strings, so the finished text can be escaped. Native searches, not a loop: the
 * process has just started, and each of its own instructions is slow.
 */
function escapedForHtml(json: string): string {
  const special =
    json.includes("<") ||
    json.includes(">") ||
    json.includes("&") ||
    json.includes("\u2028") ||
    json.includes("\u2029");
  if (!special) return json;
  return json
    .replaceAll("<", "\\u003c")
    .replaceAll(">", "\\u003e")
    .replaceAll("&", "\\u0026")
    .replaceAll("\u2028", "\\u2028")
    .replaceAll("\u2029", "\\u2029");
}
