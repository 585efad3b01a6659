/** Finds where a text stops being JSON: JSON.parse says that it does, but not where. Not on the hot path. */

/** "3:14: what is wrong" of a text that JSON.parse refused; line and column count from one, in characters. */
export function locateSyntaxError(text: string): string {
  const { offset, message } = firstError(text);
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  const column = offset - before.lastIndexOf("\n");
  return `${line}:${column}: ${message}`;
}

/** The deepest nesting of brackets outside of strings. */
export function levels(text: string): number {
  let depth = 0;
  let deepest = 0;
  for (let at = 0; at < text.length; at++) {
    const letter = text[at];
    if (letter === '"') {
      for (at++; at < text.length && text[at] !== '"'; at++) if (text[at] === "\\") at++;
    } else if (letter === "{" || letter === "[") {
      if (++depth > deepest) deepest = depth;
    } else if (letter === "}" || letter === "]") {
      depth--;
    }
  }
  return deepest;
}

interface SyntaxFault {
  offset: number;
  message: string;
}

type Expected = "value" | "value or ]" | "key" | "key or }" | "colon" | "separator" | "end";

function firstError(text: string): SyntaxFault {
  const open: ("{" | "[")[] = [];
  let expected: Expected = "value";
  const afterValue = (): Expected => (open.length === 0 ? "end" : "separator");
  for (let at = 0; ; ) {
    at = match(/[ \t\n\r]*/y, text, at)!;
    const letter = text[at];
    if (letter === undefined) return { offset: at, message: `unexpected end of JSON input, ${wanted(expected, open)}` };
    const wrong = { offset: at, message: `unexpected ${JSON.stringify(letter)}, ${wanted(expected, open)}` };
    if (expected === "separator") {
      const inside = open.at(-1);
      if (letter === ",") expected = inside === "{" ? "key" : "value";
      else if (letter === (inside === "{" ? "}" : "]")) {
        open.pop();
        expected = afterValue();
      } else return wrong;
      at++;
    } else if (expected === "colon") {
      if (letter !== ":") return wrong;
      expected = "value";
      at++;
    } else if (expected === "end") {
      return wrong;
    } else if ((letter === "}" && expected === "key or }") || (letter === "]" && expected === "value or ]")) {
      open.pop();
      expected = afterValue();
      at++;
    } else if (expected === "key" || expected === "key or }") {
      if (letter !== '"') return wrong;
      const end = string(text, at);
      if (typeof end !== "number") return end;
      at = end;
      expected = "colon";
    } else if (letter === "{" || letter === "[") {
      open.push(letter);
      expected = letter === "{" ? "key or }" : "value or ]";
      at++;
    } else {
      const end =
        letter === '"'
          ? string(text, at)
          : match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?|true|false|null/y, text, at);
      if (end === undefined) return wrong;
      if (typeof end !== "number") return end;
      at = end;
      expected = afterValue();
    }
  }
}

function wanted(expected: Expected, open: readonly string[]): string {
  if (expected === "separator") return `expected "," or "${open.at(-1) === "{" ? "}" : "]"}" after a value`;
  if (expected === "end") return "expected nothing after the document";
  if (expected === "colon") return 'expected ":" after a key';
  return `expected a ${expected}`;
}

/** Where a string's text ends, or what is wrong in it. */
function string(text: string, start: number): number | SyntaxFault {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 8259 section 7 wants control characters escaped.
  const end = match(/"(?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*/y, text, start)!;
  const letter = text[end];
  if (letter === '"') return end + 1;
  if (letter === undefined) return { offset: end, message: "unexpected end of JSON input in a string" };
  if (letter === "\\") return { offset: end, message: "invalid escape in a string" };
  return { offset: end, message: `control character ${JSON.stringify(letter)} in a string` };
}

function match(pattern: RegExp, text: string, at: number): number | undefined {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : undefined;
}
