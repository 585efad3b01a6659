import { expect, test } from "bun:test";
import { testRows } from "../document-table.ts";
import { capabilityNumber } from "./capabilities.ts";

const at = "/process/capabilities";

testRows([
  ["the same capabilities in all sets are accepted", { [at]: sets(["CAP_KILL", "CAP_CHOWN"]) }],
  [
    "effective may be less than permitted",
    { [at]: { permitted: ["CAP_KILL", "CAP_CHOWN"], effective: ["CAP_CHOWN"] } },
  ],
  [
    "an effective capability has to be permitted",
    { [at]: { permitted: ["CAP_KILL"], effective: ["CAP_KILL", "CAP_CHOWN"] } },
    `${at}/effective/1: unable to apply caps: operation not permitted: an effective capability that is not permitted`,
  ],
  [
    "unknown, lower-case and unprefixed names are told, once each, and ignored",
    { [at]: { bounding: ["CAP_FOO", "cap_kill"], effective: ["CAP_FOO", "KILL"] } },
    `warning ${at}: ignoring unknown or unavailable capabilities: [CAP_FOO cap_kill KILL]`,
  ],
  [
    "a list of more names than could be meant is refused",
    { [at]: { permitted: Array.from({ length: 1025 }, (_, i) => `CAP_${i}`) } },
    `${at}/permitted: too many capabilities`,
  ],
  ["a set of an extension may be anything", { [at]: { future: 5 } }],
  [
    "two names in one string are an unknown name",
    { [at]: { bounding: ["CAP_CHOWN CAP_DAC_OVERRIDE"] } },
    `warning ${at}: ignoring unknown or unavailable capabilities: [CAP_CHOWN CAP_DAC_OVERRIDE]`,
  ],
  [
    "an ambient capability that is not inheritable is lost",
    { [at]: { permitted: ["CAP_KILL"], ambient: ["CAP_KILL"] } },
    `warning ${at}/ambient/0: can't raise ambient capability CAP_KILL: it is not permitted and inheritable`,
  ],
  [
    "an ambient capability that is permitted and inheritable is accepted",
    { [at]: { permitted: ["CAP_KILL"], inheritable: ["CAP_KILL"], ambient: ["CAP_KILL"] } },
  ],
]);

function sets(names: string[]) {
  return { bounding: names, effective: names, inheritable: names, permitted: names, ambient: names };
}

test("capabilities have the kernel's numbers", () => {
  expect(["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_CHECKPOINT_RESTORE", "CAP_NONE"].map(capabilityNumber)).toEqual([
    0, 21, 40, -1,
  ]);
});
