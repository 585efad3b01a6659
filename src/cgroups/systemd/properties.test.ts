import { expect, test } from "bun:test";
import { deviceList } from "../device-rules.ts";
import { resourceWritesV1 } from "../resource-writes-v1.ts";
import { resourceWritesV2 } from "../resource-writes-v2.ts";
import { deviceProperties } from "./device-properties.ts";
import { annotatedProperties } from "./property-text.ts";
import { maskOf, type Property, resourceProperties, withRoundedQuota } from "./resource-properties.ts";

const INFINITY = 2n ** 64n - 1n;
const byName = (properties: readonly Property[]) =>
  Object.fromEntries(properties.map(({ name, value }) => [name, value]));

test("limits become properties, those of cgroup v2", () => {
  const writes = resourceWritesV2({
    memory: { limit: 1048576, reservation: 524288, swap: 2097152 },
    cpu: { shares: 1024, quota: 25000, period: 50000, cpus: "0-2,9", mems: "0" },
    pids: { limit: 0 },
  });
  expect(byName(resourceProperties(writes, 252))).toEqual({
    TasksMax: 1n,
    MemorySwapMax: 1048576n,
    MemoryMax: 1048576n,
    MemoryLow: 524288n,
    CPUWeight: 100n,
    AllowedCPUs: [7, 2],
    AllowedMemoryNodes: [1],
    CPUQuotaPeriodUSec: 50000n,
    CPUQuotaPerSecUSec: 500000n,
  });
});

test("limits become properties, those of cgroup v1", () => {
  const writes = resourceWritesV1({
    memory: { limit: -1 },
    cpu: { shares: 512, quota: -1, period: 100000 },
    pids: { limit: -1 },
    blockIO: { weight: 300 },
  });
  expect(byName(resourceProperties(writes, 252))).toMatchObject({
    MemoryLimit: INFINITY,
    CPUShares: 512n,
    CPUQuotaPerSecUSec: INFINITY,
    TasksMax: INFINITY,
  });
});

test("unified overrides, and what systemd has no property for is left to the file", () => {
  const writes = resourceWritesV2({
    memory: { limit: 1 },
    unified: { "memory.max": "max", "memory.high": "5", "cpu.idle": "1", "cpu.weight": "7", "io.weight": "9" },
  });
  expect(byName(resourceProperties(writes, 252))).toEqual({ MemoryMax: INFINITY, MemoryHigh: 5n, CPUWeight: 0n });
  expect(byName(resourceProperties(writes, 251))).toMatchObject({ CPUWeight: 7n });
});

test("older versions are not told what they don't know", () => {
  const writes = resourceWritesV2({ cpu: { cpus: "0", quota: 1000, period: 2000 } });
  expect(Object.keys(byName(resourceProperties(writes, 241)))).toEqual(["CPUQuotaPerSecUSec"]);
});

test("a quota is rounded up to whole percents, in the file as systemd has it", () => {
  const [v2] = withRoundedQuota(resourceWritesV2({ cpu: { quota: 12345, period: 100000 } }));
  expect(v2).toMatchObject({ file: "cpu.max", value: "13000 100000" });
  const v1 = withRoundedQuota(resourceWritesV1({ cpu: { quota: 12345, period: 50000 } }));
  expect(v1.find(({ file }) => file === "cpu.cfs_quota_us")?.value).toBe("12500");
  expect(withRoundedQuota(resourceWritesV2({ cpu: { quota: -1 } }))[0]?.value).toStartWith("max");
});

test("a list of processors becomes a mask, the lowest first", () => {
  expect(maskOf("0")).toEqual([1]);
  expect(maskOf("0-7,8, 15")).toEqual([255, 129]);
  expect(maskOf("x")).toBeUndefined();
});

test("device rules become an allow list, and what it can't say is left to the filter", () => {
  const list = deviceList(
    [
      { allow: false, access: "rwm" },
      { allow: true, type: "c", major: 10, minor: 229, access: "rw" },
      { allow: true, type: "b", major: 8, access: "r" },
      { allow: true, type: "c", minor: 77, access: "r" },
    ],
    undefined,
  );
  const allowed = deviceProperties(list).at(-1)!.value;
  expect(allowed).toContainEqual(["/dev/char/10:229", "rw"]);
  expect(allowed).toContainEqual(["block-8", "r"]);
  expect(allowed).toContainEqual(["/dev/char/1:3", "rwm"]);
  expect(allowed).toContainEqual(["char-136", "rwm"]);
  expect(allowed).toContainEqual(["char-*", "m"]);
  expect(JSON.stringify(allowed)).not.toContain(":77");
});

test("everything allowed is systemd's own default", () => {
  expect(byName(deviceProperties(deviceList([{ allow: true, access: "rwm" }], undefined)))).toEqual({
    DeviceAllow: [],
    DevicePolicy: "auto",
  });
});

const annotated = (name: string, text: string) => {
  const [property] = annotatedProperties({ [`org.systemd.property.${name}`]: text, other: "x" });
  return { ...property };
};

test("annotations are properties in GVariant's text", () => {
  expect(annotated("CollectMode", "'inactive-or-failed'")).toEqual({
    name: "CollectMode",
    signature: "s",
    value: "inactive-or-failed",
  });
  expect(annotated("IOWeight", "uint64 500")).toEqual({ name: "IOWeight", signature: "t", value: 500n });
  expect(annotated("SendSIGKILL", "true")).toEqual({ name: "SendSIGKILL", signature: "b", value: true });
  expect(annotated("Before", '[\'a.service\', "b\\"c"]')).toEqual({
    name: "Before",
    signature: "as",
    value: ["a.service", 'b"c'],
  });
  expect(annotated("Documentation", "@as []")).toEqual({ name: "Documentation", signature: "as", value: [] });
  expect(annotated("DeviceAllow", "[('/dev/null','r')]")).toEqual({
    name: "DeviceAllow",
    signature: "a(ss)",
    value: [["/dev/null", "r"]],
  });
  expect(annotated("Weight", "-3")).toEqual({ name: "Weight", signature: "i", value: -3n });
});

test("seconds become microseconds", () => {
  expect(annotated("TimeoutStopSec", "uint64 5")).toEqual({
    name: "TimeoutStopUSec",
    signature: "t",
    value: 5_000_000n,
  });
  expect(annotated("RuntimeMaxSec", "1.5")).toMatchObject({ name: "RuntimeMaxUSec", value: 1_500_000n });
  expect(annotated("TimeoutStopUSec", "uint64 5")).toMatchObject({ name: "TimeoutStopUSec", value: 5n });
});

for (const [name, text] of [
  ["x1", "1"],
  ["ab", "1"],
  ["Weight", ""],
  ["Weight", "1 2"],
  ["Weight", "[1"],
  ["Weight", "['a', 1]"],
  ["Weight", "'a"],
  ["TimeoutStopSec", "'a'"],
] as const) {
  test(`${name}=${text} is refused`, () => {
    expect(() => annotated(name, text)).toThrow(`org.systemd.property.${name}`);
  });
}
