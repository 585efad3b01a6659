import { expect, test } from "bun:test";
import type { ConfigFault } from "../bundle/config-fault.ts";
import { faultOfAll, renderFault, renderJson, renderText } from "./render-faults.ts";

const fault = (pointer: string, message: string, more: Partial<ConfigFault> = {}): ConfigFault => ({
  pointer,
  message,
  severity: "fault",
  ...more,
});

test("a fault is a line with its place, value and expectation", () => {
  expect(renderFault(fault("/a/b", "wrong", { value: "x", expected: "a number" }))).toBe(
    '/a/b: wrong [value "x"]; expected a number',
  );
  expect(renderFault(fault("", "wrong"))).toBe("wrong");
});

test("control characters of the document do not reach the terminal", () => {
  const hostile = fault("/a\u001b[2J", "bad\n\u009b name");
  expect(renderFault(hostile)).toBe("/a\\u001b[2J: bad\\u000a\\u009b name");
  expect(faultOfAll([hostile], "config.json").message).toBe("bad\\u000a\\u009b name [at /a\\u001b[2J]");
});

test("a message that quotes a long name is cut", () => {
  expect(renderFault(fault("", "x".repeat(500)))).toHaveLength(400);
});

test("an error of many faults names a hundred of them and counts the others", () => {
  const many = Array.from({ length: 151 }, (_, i) => fault(`/${i}`, "wrong"));
  const lines = faultOfAll(many, "config.json").message.split("\n");
  expect(lines[0]).toBe("wrong [at /0]; and also");
  expect(lines).toHaveLength(101);
  expect(lines.at(-1)).toBe("  /100: wrong; and 50 more");
});

test("text counts what it lists", () => {
  const warning = fault("/b", "odd", { severity: "warning" });
  expect(renderText([fault("/a", "wrong")], [warning, warning])).toBe(
    "error: /a: wrong\nwarning: /b: odd\nwarning: /b: odd\n1 error, 2 warnings\n",
  );
});

test("JSON keeps integers of 64 bits", () => {
  const text = renderJson([fault("/a", "wrong", { value: 18446744073709551615n })], []);
  expect(text).toContain('"value": 18446744073709551615');
  expect(JSON.parse(text).warnings).toEqual([]);
});
