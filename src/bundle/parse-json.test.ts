import { describe, expect, test } from "bun:test";
import type { ConfigFault } from "./config-fault.ts";
import { mostLevels, parseJson } from "./parse-json.ts";

function parsed(text: string): { value: unknown; messages: string[] } {
  const faults: ConfigFault[] = [];
  const value = parseJson(text, faults);
  return { value, messages: faults.map(({ pointer, message }) => `${pointer}: ${message}`) };
}

describe("integers are exact", () => {
  test.each([
    ["9007199254740991", 9007199254740991],
    ["9007199254740992", 9007199254740992n],
    ["9007199254740993", 9007199254740993n],
    ["18446744073709551615", 18446744073709551615n],
    ["-9223372036854775808", -9223372036854775808n],
    ["0000", undefined],
    ["12", 12],
    ["1.0", 1],
    ['"18446744073709551615"', "18446744073709551615"],
    ["9007199254740993.5", 9007199254740994],
    ["1e400", Infinity],
  ])("%s is %p", (text, value) => {
    expect(parsed(`{"a":${text}}`).value).toEqual(value === undefined ? undefined : { a: value });
  });

  test("wherever in the text their digits are", () => {
    for (let shift = 0; shift < 17; shift++) {
      expect(parsed(`${" ".repeat(shift)}[18446744073709551615]`).value).toEqual([18446744073709551615n]);
    }
  });

  test("and of duplicate keys the last one's", () => {
    expect(parsed('{"a":18446744073709551615,"a":18446744073709551614}').value).toEqual({ a: 18446744073709551614n });
    expect(parsed('{"a":18446744073709551615,"a":1}').value).toEqual({ a: 1 });
  });
});

test("__proto__ and constructor are keys like any other", () => {
  for (const number of ["1", "18446744073709551615"]) {
    const value = parsed(`{"__proto__":{"x":1},"constructor":${number}}`).value as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(["__proto__", "constructor"]);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(value.x).toBeUndefined();
  }
});

describe("what is not JSON is told with line and column", () => {
  test.each([
    ["", "1:1: unexpected end of JSON input, expected a value"],
    ["{", "1:2: unexpected end of JSON input, expected a key or }"],
    ['{"a":1,\n "b" 2}', '2:6: unexpected "2", expected ":" after a key'],
    ['{"a":1,}', '1:8: unexpected "}", expected a key'],
    ["[1,]", '1:4: unexpected "]", expected a value'],
    ["[1 2]", '1:4: unexpected "2", expected "," or "]" after a value'],
    ['{"a":1]', '1:7: unexpected "]", expected "," or "}" after a value'],
    ["{} x", '1:4: unexpected "x", expected nothing after the document'],
    ["{}{}", '1:3: unexpected "{", expected nothing after the document'],
    ["[01]", '1:3: unexpected "1", expected "," or "]" after a value'],
    ["[.5]", '1:2: unexpected ".", expected a value or ]'],
    ["[tru]", '1:2: unexpected "t", expected a value or ]'],
    ["{a:1}", '1:2: unexpected "a", expected a key or }'],
    ["['a']", `1:2: unexpected "'", expected a value or ]`],
    ['["a\nb"]', '1:4: control character "\\n" in a string'],
    ['["\\x"]', "1:3: invalid escape in a string"],
    ['["a', "1:4: unexpected end of JSON input in a string"],
    ["// x\n{}", '1:1: unexpected "/", expected a value'],
    ["\ufeff{}", '1:1: unexpected "\ufeff", expected a value'],
  ])("%p", (text, message) => {
    expect(parsed(text)).toEqual({ value: undefined, messages: [`: invalid JSON: ${message}`] });
  });
});

test(`${mostLevels} levels of nesting are accepted, one more is refused, a million overflow nothing`, () => {
  const nested = (levels: number, inner = "") => "[".repeat(levels) + inner + "]".repeat(levels);
  const refused = [`: invalid JSON: exceeded max depth of ${mostLevels}`];
  expect(parsed(nested(mostLevels)).messages).toEqual([]);
  expect(parsed(nested(mostLevels, "18446744073709551615")).messages).toEqual([]);
  expect(parsed(nested(mostLevels + 1)).messages).toEqual(refused);
  expect(parsed(nested(1_000_000)).messages).toEqual(refused);
  expect(parsed('{"a":'.repeat(1_000_000)).messages).toEqual(refused);
});

test("many brackets side by side, or in strings, are no nesting", () => {
  expect(parsed(`[${"[],".repeat(5000)}"${"[".repeat(5000)}\\"["]`).messages).toEqual([]);
});

describe("strings that the kernel would take for others are refused", () => {
  test.each([
    ['{"a":"x\\u0000y"}', "/a: string contains null byte"],
    ['{"a":{"k\\u0000":1}}', "/a/k\0: string contains null byte"],
    ['{"mounts":[{"options":["a\\u0000"]}]}', "/mounts/0/options/0: mount field contains null byte"],
    ['{"a":["\\ud800"]}', "/a/0: string contains a lone surrogate: it has no UTF-8 form"],
  ])("%s", (text, message) => {
    expect(parsed(text).messages).toEqual([message]);
  });

  test("but not an escaped backslash before the same letters, a whole pair, or an annotation", () => {
    for (const text of ['{"a":"\\\\u0000"}', '{"a":"\\ud83d\\ude00"}', '{"annotations":{"a":"\\u0000"}}']) {
      expect(parsed(text).messages).toEqual([]);
    }
  });
});
