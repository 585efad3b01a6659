import { expect, test } from "bun:test";
import type { LinuxDevice, LinuxDeviceCgroup } from "../bundle/config.ts";
import { deviceList, deviceWritesV1 } from "./device-rules.ts";

const byDefault = [
  "c *:* m",
  "b *:* m",
  "c 1:3 rwm",
  "c 1:8 rwm",
  "c 1:7 rwm",
  "c 5:0 rwm",
  "c 1:5 rwm",
  "c 1:9 rwm",
  "c 136:* rwm",
  "c 5:2 rwm",
  "c 10:200 rwm",
];

function writes(rules?: LinuxDeviceCgroup[], devices?: LinuxDevice[]) {
  return deviceWritesV1(deviceList(rules, devices));
}

test("everything is denied but the default devices, with no rules and with runc's default rule", () => {
  const expected = { reset: "devices.deny", exceptionFile: "devices.allow", lines: byDefault } as const;
  expect(writes()).toEqual(expected);
  expect(writes([])).toEqual(expected);
  expect(writes([{ allow: false, access: "rwm" }])).toEqual(expected);
});

test("an allow rule alone does not turn the list into one that allows by default", () => {
  const { reset, lines } = writes([{ allow: true, type: "b", major: 8, minor: 0, access: "r" }]);
  expect(reset).toBe("devices.deny");
  expect(lines).toEqual(["b 8:0 r", ...byDefault]);
});

test("rules of one device are merged, and what is denied again is gone", () => {
  const { lines } = writes([
    { allow: true, type: "b", major: 8, minor: 0, access: "r" },
    { allow: true, type: "b", major: 8, minor: 0, access: "w" },
    { allow: true, type: "b", major: 8, minor: 1, access: "rw" },
    { allow: false, type: "b", major: 8, minor: 1, access: "w" },
    { allow: true, type: "b", major: 8, minor: 2, access: "rw" },
    { allow: false, type: "b", major: 8, minor: 2, access: "rwm" },
  ]);
  expect(lines).toEqual(["b 8:0 rw", "b 8:1 r", ...byDefault]);
});

test("absent numbers are wildcards, and a rule of type a forgets the rest", () => {
  const { lines } = writes([
    { allow: true, type: "c", major: 4, access: "rw" },
    { allow: false, type: "a", access: "rwm" },
    { allow: true, type: "b", minor: -1, access: "r" },
  ]);
  expect(lines).toEqual(["b *:* rm", ...byDefault.filter((l) => l !== "b *:* m")].sort(firstAsGiven("b *:* rm")));
});

function firstAsGiven(first: string) {
  return (a: string, b: string) => Number(b === first) - Number(a === first);
}

test("a list that allows by default has only what is denied", () => {
  const { reset, exceptionFile, lines } = writes([
    { allow: true, access: "rwm" },
    { allow: false, type: "b", major: 8, minor: 0, access: "w" },
  ]);
  expect({ reset, exceptionFile, lines }).toEqual({
    reset: "devices.allow",
    exceptionFile: "devices.deny",
    lines: ["b 8:0 w"],
  });
});

test("a default device under a path of its own in linux.devices gets no rule by default", () => {
  const { lines } = writes([], [{ path: "/dev/null", type: "c", major: 1, minor: 3 }]);
  expect(lines).toEqual(byDefault.filter((line) => line !== "c 1:3 rwm"));
});

test("a hole in a wildcard is refused, with the rule", () => {
  const rules: LinuxDeviceCgroup[] = [
    { allow: true, type: "c", major: 4, access: "rw" },
    { allow: false, type: "c", major: 4, minor: 1, access: "w" },
  ];
  expect(() => writes(rules)).toThrow(
    "requested rule [c 4:1 w] not supported by devices cgroupv1 " +
      "(cannot punch hole in existing wildcard rule [c 4:* rw]) [at /linux/resources/devices/1]",
  );
});

test("taking away an access that the wildcard does not give is no hole", () => {
  const rules: LinuxDeviceCgroup[] = [
    { allow: true, type: "c", major: 4, access: "r" },
    { allow: false, type: "c", major: 4, minor: 1, access: "w" },
  ];
  expect(writes(rules).lines[0]).toBe("c 4:* r");
});

test("an access that is empty or made of other letters is refused", () => {
  expect(() => writes([{ allow: true, type: "c" }])).toThrow("device access at 0 field cannot be empty");
  expect(() => writes([{ allow: true, type: "c", access: "xyz" }])).toThrow("/linux/resources/devices/0/access");
});

test("a number that no device has is refused", () => {
  expect(() => writes([{ allow: true, type: "c", major: 2 ** 32, access: "r" }])).toThrow("no device has this number");
  expect(() => writes([{ allow: true, type: "c", minor: -2, access: "r" }])).toThrow("/devices/0/minor");
});
