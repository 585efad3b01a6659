import { expect, test } from "bun:test";
import { argumentsOf, structureOf, syscallName } from "./call-arguments.ts";
import * as constants from "./constants.ts";
import * as files from "./files.ts";
import { flagNames, flagValue } from "./flag-names.ts";
import { hostArch, type SyscallName, syscallNumbers } from "./syscall-numbers.ts";

const names = Object.keys(syscallNumbers("x86_64")) as SyscallName[];

test("every system call's kinds are known: structures have layouts, flags have names", () => {
  const seen = new Set<string>();
  const visit = (kind: string) => {
    if (seen.has(kind)) return;
    seen.add(kind);
    if (kind.startsWith("flags/")) flagNames(kind.slice(6), 1n, "x86_64");
    for (const field of structureOf(kind)?.fields ?? []) visit(field.kind);
  };
  for (const name of names) for (const argument of argumentsOf(name, [])) visit(argument.kind);
  expect(seen.size).toBeGreaterThan(50);
});

test("no system call has more than six arguments, and data is followed by its length", () => {
  for (const name of names) {
    const list = argumentsOf(name, []);
    expect(list.length).toBeLessThanOrEqual(6);
    for (const [k, { kind }] of list.entries()) {
      if (kind === "data" || kind === "out") expect([name, list[k + 1]?.kind]).toEqual([name, "size"]);
    }
  }
});

test("a command decides what the other arguments are", () => {
  const kinds = (name: SyscallName, args: number[]) => argumentsOf(name, args).map((argument) => argument.kind);
  expect(kinds("prctl", [24, 1])).toEqual(["flags/prctl", "flags/capability"]);
  expect(kinds("fcntl", [3, 2, 1])).toEqual(["fd", "flags/fcntl", "flags/fd"]);
  expect(kinds("ioctl", [3, 0x40045431])).toEqual(["fd", "flags/ioctl", "struct/int"]);
  expect(kinds("ioctl", [3, 0x80045430 | 0])).toEqual(["fd", "flags/ioctl", "out/4"]);
});

test("structures are as long as their last field and have no gaps that matter", () => {
  const size = (kind: string) => structureOf(kind)!.bytes;
  expect([size("struct/open_how"), size("struct/clone_args"), size("struct/mount_attr")]).toEqual([24, 88, 32]);
  for (const name of ["msghdr", "cap_data", "sched_attr", "pollfd", "iovec"]) {
    for (const field of structureOf(`struct/${name}`)!.fields) {
      expect(field.offset + field.bytes).toBeLessThanOrEqual(size(`struct/${name}`));
    }
  }
});

/** Tables whose names start with the prefix of constants of the same name. */
const tablesOfPrefix: readonly (readonly [prefix: string, table: string])[] = [
  ["CLONE_NEW", "clone"],
  ["MS_", "mount"],
  ["MOUNT_ATTR_", "mount_attr"],
  ["MOVE_MOUNT_", "move_mount"],
  ["OPEN_TREE_", "open_tree"],
  ["FSCONFIG_", "fsconfig"],
  ["RESOLVE_", "resolve"],
  ["PR_SET_", "prctl"],
  ["PR_CAP_AMBIENT_", "ambient"],
  ["MFD_", "memfd"],
  ["SOCK_", "socket"],
  ["MSG_", "msg"],
  ["AF_", "family"],
  ["O_", "open"],
];

test("names and the constants that the runtime uses agree", () => {
  let compared = 0;
  for (const [name, value] of [...Object.entries(constants), ...Object.entries(files)]) {
    const table = tablesOfPrefix.find(([prefix]) => name.startsWith(prefix))?.[1];
    // A mask and a zero are not flags.
    if (table === undefined || typeof value !== "number" || name.endsWith("_MASK") || value === 0) continue;
    if (name === "O_RDONLY") continue;
    expect([name, flagValue(table, name, hostArch)]).toEqual([name, BigInt(value)]);
    compared++;
  }
  expect(compared).toBeGreaterThan(70);
});

test("flags are told by name, the rest in hexadecimal, and what differs between architectures by each one's bits", () => {
  expect(flagNames("open", 0o12200000n, "x86_64")).toBe("O_DIRECTORY|O_PATH|O_CLOEXEC");
  expect(flagNames("open", 0o12040000n, "aarch64")).toBe("O_DIRECTORY|O_PATH|O_CLOEXEC");
  expect(flagNames("open", 0n, "x86_64")).toBe("O_RDONLY");
  expect(flagNames("open", 0o20200002n, "x86_64")).toBe("O_TMPFILE|O_RDWR");
  expect(flagNames("clone", 0x220000000n, "x86_64")).toBe("CLONE_NEWPID|CLONE_INTO_CGROUP");
  expect(flagNames("mount", 0x80000001n, "x86_64")).toBe("MS_RDONLY|0x80000000");
  expect(flagNames("fsconfig", 6n, "x86_64")).toBe("FSCONFIG_CMD_CREATE");
  expect(flagNames("fsconfig", 99n, "x86_64")).toBe("99");
  expect(flagNames("ioctl", 0x1234n, "x86_64")).toBe("0x1234");
  expect(flagNames("mount", 0n, "x86_64")).toBe("0");
});

test("a number's name depends on the architecture", () => {
  expect(syscallName(165, "x86_64")).toBe("mount");
  expect(syscallName(40, "aarch64")).toBe("mount");
  expect(syscallName(9999, "x86_64")).toBeUndefined();
});
