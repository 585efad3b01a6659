import { expect, test } from "bun:test";
import type { LinuxSeccomp } from "../bundle/config.ts";
import {
  FLAG_LOG,
  FLAG_NEW_LISTENER,
  FLAG_SPEC_ALLOW,
  FLAG_WAIT_KILLABLE_RECV,
  filterFlags,
  isFlagSupported,
} from "./flags.ts";

type Flags = LinuxSeccomp["flags"];

const all = () => true;
const plain = (flags?: Flags): LinuxSeccomp => ({ defaultAction: "SCMP_ACT_ALLOW", ...(flags && { flags }) });
const notifying = (flags?: Flags): LinuxSeccomp => ({
  ...plain(flags),
  syscalls: [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" }],
});

test("no flags key asks for SPEC_ALLOW where the kernel has it; an empty list asks for nothing", () => {
  expect(filterFlags(plain(), all)).toBe(FLAG_SPEC_ALLOW);
  expect(filterFlags(plain(), () => false)).toBe(0);
  expect(filterFlags(plain([]), all)).toBe(0);
});

test("a rule that notifies adds a listener", () => {
  expect(filterFlags(notifying([]), all)).toBe(FLAG_NEW_LISTENER);
  expect(filterFlags(notifying(), all)).toBe(FLAG_NEW_LISTENER | FLAG_SPEC_ALLOW);
  const flags: Flags = ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"];
  expect(filterFlags(notifying(flags), all)).toBe(FLAG_NEW_LISTENER | FLAG_WAIT_KILLABLE_RECV);
});

test("LOG is passed on, and TSYNC is accepted for a process of one thread", () => {
  expect(filterFlags(plain(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"]), all)).toBe(FLAG_LOG);
  expect(filterFlags(plain(["SECCOMP_FILTER_FLAG_TSYNC"]), () => false)).toBe(0);
});

test("a flag that is unknown, unsupported, or has nothing to wait for is refused with its name and place", () => {
  expect(() => filterFlags(plain(["SECCOMP_FILTER_FLAG_X" as "SECCOMP_FILTER_FLAG_LOG"]), all)).toThrow(
    "seccomp flag SECCOMP_FILTER_FLAG_X is not known to runts [at /linux/seccomp/flags/0]",
  );
  expect(() => filterFlags(plain(["SECCOMP_FILTER_FLAG_TSYNC", "SECCOMP_FILTER_FLAG_LOG"]), () => false)).toThrow(
    "SECCOMP_FILTER_FLAG_LOG is not supported by this kernel [at /linux/seccomp/flags/1]",
  );
  expect(() => filterFlags(plain(["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"]), all)).toThrow(
    "needs a rule with SCMP_ACT_NOTIFY",
  );
});

test("the kernel is asked: it has LOG, and not a bit that nobody has defined", () => {
  expect(isFlagSupported(FLAG_LOG)).toBe(true);
  expect(isFlagSupported(1 << 30)).toBe(false);
});
