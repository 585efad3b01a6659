import { expect, test } from "bun:test";
import { goJson, goJsonWithoutBigints } from "./go-json.ts";

test("the characters that Go escapes for HTML are escaped, in keys and in values", () => {
  expect(goJson({ "a&b": "<x>\u2028\u2029" })).toBe('{"a\\u0026b":"\\u003cx\\u003e\\u2028\\u2029"}');
});

test("an integer beyond 2^53 keeps every digit", () => {
  expect(goJson({ hard: 18446744073709551615n })).toBe('{"hard":18446744073709551615}');
});

test("text without special characters is left as it is", () => {
  expect(goJson(["ü", 1, null, true])).toBe('["ü",1,null,true]');
});

test("an indent puts every member on its own line and leaves empty ones short", () => {
  expect(goJson({ a: [1], b: {}, c: [] }, "\t")).toBe('{\n\t"a": [\n\t\t1\n\t],\n\t"b": {},\n\t"c": []\n}');
});

test("the form for the hot path writes the same, and refuses a bigint", () => {
  const value = { id: "a<b", list: [1, null], text: "\u2028" };
  expect(goJsonWithoutBigints(value, "  ")).toBe(goJson(value, "  "));
  expect(() => goJsonWithoutBigints({ n: 1n })).toThrow(TypeError);
});
