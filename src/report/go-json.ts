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
  return escapeForHtml(JSON.stringify(value, exactNumber, indent));
}

function exactNumber(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? rawJson(`${value}`) : value;
}

/** ES2025's JSON.rawJSON, which TypeScript's library does not declare yet. */
function rawJson(text: string): unknown {
  return (JSON as unknown as { rawJSON(text: string): unknown }).rawJSON(text);
}

/** These characters can only stand inside strings, so the finished text can be escaped. */
function escapeForHtml(json: string): string {
  let escaped = "";
  let done = 0;
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i);
    if (code === 0x3c || code === 0x3e || code === 0x26 || code === 0x2028 || code === 0x2029) {
      escaped += `${json.slice(done, i)}\\u${code.toString(16).padStart(4, "0")}`;
      done = i + 1;
    }
  }
  return done === 0 ? json : escaped + json.slice(done);
}
