import { describe, expect, test } from "bun:test";
import { parseBytes, parseInt64, parseUint64 } from "./limit-value.ts";

describe("sizes are read as runc's library reads them:", () => {
  const sizes: [text: string, bytes: number | bigint][] = [
    ["0", 0],
    ["-1", -1],
    ["67108864", 67108864],
    ["64M", 2 ** 26],
    ["64m", 2 ** 26],
    ["64mb", 2 ** 26],
    ["64MiB", 2 ** 26],
    ["64 MiB", 2 ** 26],
    ["64 ", 64],
    ["64b", 64],
    ["64B", 64],
    ["1.5k", 1536],
    [".5g", 2 ** 29],
    ["5.", 5],
    ["1.9", 1],
    ["1e3", 1000],
    ["+7", 7],
    ["1t", 2 ** 40],
    ["2P", 2 ** 51],
    ["9007199254740993", 9007199254740993n],
    ["9223372036854771712", 9223372036854771712n],
  ];
  for (const [text, value] of sizes) test(JSON.stringify(text), () => expect(parseBytes(text)).toEqual({ value }));

  const problems: [text: string, problem: string][] = [
    ["", "invalid size: ''"],
    ["big", "invalid size: 'big'"],
    ["inf", "invalid size: 'inf'"],
    ["-5", "invalid size: '-5'"],
    ["12q", "invalid suffix: 'q'"],
    ["12KX", "invalid suffix: 'kx'"],
    ["12kib1", 'strconv.ParseFloat: parsing "12kib1": invalid syntax'],
    ["12bb", "invalid suffix: 'bb'"],
    ["12kiBs", "invalid suffix: 'kiBs'"],
    ["1  k", 'strconv.ParseFloat: parsing "1 ": invalid syntax'],
    [" 1", 'strconv.ParseFloat: parsing " 1": invalid syntax'],
    [" ", 'strconv.ParseFloat: parsing "": invalid syntax'],
    ["1_000", 'strconv.ParseFloat: parsing "1_000": invalid syntax'],
    ["0x10", 'strconv.ParseFloat: parsing "0x10": invalid syntax'],
    ["9223372036854775808", 'strconv.ParseInt: parsing "9223372036854775808": value out of range'],
    ["1e30", 'strconv.ParseInt: parsing "1e30": value out of range'],
  ];
  for (const [text, problem] of problems) {
    test(`${JSON.stringify(text)} is refused`, () => expect(parseBytes(text)).toEqual({ problem }));
  }
});

test("unsigned integers have 64 bits and no sign", () => {
  expect(parseUint64("1024")).toEqual({ value: 1024 });
  expect(parseUint64("18446744073709551615")).toEqual({ value: 18446744073709551615n });
  expect(parseUint64("18446744073709551616")).toEqual({
    problem: 'strconv.ParseUint: parsing "18446744073709551616": value out of range',
  });
  for (const text of ["abc", "-1", "+1", "0x10", "1_0", " 1", ""]) {
    expect(parseUint64(text)).toEqual({ problem: `strconv.ParseUint: parsing "${text}": invalid syntax` });
  }
});

test("signed integers have 64 bits", () => {
  expect(["-1", "+5", "9223372036854775807", "-9223372036854775808"].map(parseInt64)).toEqual([
    { value: -1 },
    { value: 5 },
    { value: 9223372036854775807n },
    { value: -9223372036854775808n },
  ]);
  expect(parseInt64("9223372036854775808")).toEqual({
    problem: 'strconv.ParseInt: parsing "9223372036854775808": value out of range',
  });
  expect(parseInt64("1.5")).toEqual({ problem: 'strconv.ParseInt: parsing "1.5": invalid syntax' });
});
