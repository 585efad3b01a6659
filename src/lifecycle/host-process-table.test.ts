import { expect, test } from "bun:test";
import { hostProcessTable, rowsOf } from "./host-process-table.ts";

const output = `UID          PID    PPID  C STIME TTY          TIME CMD
root           1       0  0 08:00 ?        00:00:01 init
root          17       1  0 08:00 ?        00:00:00 sh -c 42
root          42      17  0 08:00 ?        00:00:00 sleep 17
`;

test("the header and the rows of the wanted processes are kept as they are", () => {
  expect(rowsOf(output, [42, 1])).toBe(
    output
      .split("\n")
      .filter((line) => !line.includes("sh -c"))
      .join("\n"),
  );
  expect(rowsOf(output, [])).toBe(`${output.split("\n")[0]}\n`);
});

test("a table without the column is refused in runc's words", () => {
  expect(() => rowsOf("COMMAND\nsh\n", [1])).toThrow("couldn't find PID field in ps output");
  expect(() => rowsOf("", [1])).toThrow("couldn't find PID field in ps output");
});

test("what stands in the column must be a pid", () => {
  expect(() => rowsOf("CMD          PID\nsh -c 42      7\n", [42])).toThrow(
    'unable to parse pid: strconv.Atoi: parsing "-c": invalid syntax',
  );
  expect(() => rowsOf("CMD          PID\nsh\n", [42])).toThrow('unable to parse pid: strconv.Atoi: parsing ""');
});

test("a ps that fails is told with its status and its words", () => {
  expect(() => hostProcessTable([1], ["--no-such-option"])).toThrow(/^exit status 1: error: /);
});
