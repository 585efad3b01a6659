import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EBADF } from "../../native-bindings/errno.ts";
import { ffi } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { disassemblyTest } from "../../src/program/disassemble-for-test.ts";
import { listed } from "../listed-for-test.ts";
import { callAarch64 } from "./call-aarch64.ts";
import { callModule } from "./call-module.ts";
import { callX8664 } from "./call-x86-64.ts";
import { constantsSegment } from "./constants-segment.ts";
import { ENVIRON_SLOT, engine, startedByStub } from "./engine-for-test.ts";
import { environSlot } from "./environ-slot.ts";
import { withStub } from "./install-stub.ts";
import { pack, RECORD_BYTES, STUB_ADDRESS } from "./layout.ts";
import { stubAarch64 } from "./stub-aarch64.ts";
import { stubX8664 } from "./stub-x86-64.ts";

const directory = mkdtempSync(join(tmpdir(), "runts-entry-"));
afterAll(() => rmSync(directory, { recursive: true }));

/** What runs a machine's code here, beside the processor. */
const emulators = {
  x86_64: process.arch === "x64" ? [] : ["qemu-x86_64"],
  aarch64: process.arch === "arm64" ? [] : ["qemu-aarch64"],
};

/** What the engine finds: how many variables beside the one that is added, and the record. */
function found(
  machine: keyof typeof emulators,
  env: Record<string, string>,
  prologue = "true",
  launcher: string[] = [],
) {
  const file = join(directory, machine);
  writeFileSync(file, startedByStub(machine), { mode: 0o755 });
  const words = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const shell = ["sh", "-c", `${prologue}; exec "$@"`, "sh"];
  const emulation = emulators[machine].map((program) => Bun.which(program)!);
  const run = Bun.spawnSync([...shell, "env", "-i", ...words, ...launcher, ...emulation, file]);
  const record = new DataView(run.stdout.buffer, run.stdout.byteOffset, run.stdout.byteLength);
  return {
    recordBytes: run.stdout.length,
    variables: run.exitCode - (record.getUint32(24, true) === 0 ? 0 : 1),
    module: record.getUint32(24, true),
    directoryGone: record.getUint32(0, true),
    limitsKnown: record.getUint32(4, true),
    soft: record.getBigUint64(8, true),
    hard: record.getBigUint64(16, true),
  };
}

for (const machine of ["x86_64", "aarch64"] as const) {
  const lacking = emulators[machine].find((program) => Bun.which(program) === null);
  const skipped = lacking === undefined ? "" : ` (skipped: ${lacking} is not installed)`;

  describe.skipIf(lacking !== undefined)(`before the engine on ${machine}${skipped}`, () => {
    test("its variables are gone, wherever they stand, in lower and in upper case", () => {
      const hostile = {
        BUN_OPTIONS: "x",
        bun_be_bun: "1",
        MIMALLOC_VERBOSE: "1",
        NODE_OPTIONS: "",
        NODE_CHANNEL_FD: "3",
      };
      expect(found(machine, hostile).variables).toBe(0);
      expect(found(machine, { A: "", ...hostile, B: "1" }).variables).toBe(2);
    });

    test("other variables stay", () => {
      const names = ["A", "BUN", "BU", "BUNS_X", "NODE_ENV", "NODE_NAME", "MIMALLO", "XBUN_OPTIONS", "Z"];
      expect(found(machine, {}).variables).toBe(0);
      expect(found(machine, Object.fromEntries(names.map((name) => [name, ""]))).variables).toBe(names.length);
    });

    test("the limits of open files are noted down", () => {
      expect(found(machine, {}, "ulimit -Sn 77; ulimit -Hn 99")).toMatchObject({
        limitsKnown: 1,
        soft: 77n,
        hard: 99n,
      });
    });

    test("the call module is in a descriptor that is none of the standard streams', also when these are closed", () => {
      expect(found(machine, {}).recordBytes).toBe(RECORD_BYTES);
      expect(found(machine, {}).module).toBe(3);
      expect(found(machine, {}, "exec <&- 2>&-").module).toBe(3);
    });

    // An emulator needs descriptors itself.
    test.skipIf(emulators[machine].length > 0)("without a descriptor for it, no call module, and no option", () => {
      const { module, variables } = found(machine, { A: "" }, "true", ["/usr/bin/prlimit", "--nofile=3"]);
      expect({ module, variables }).toEqual({ module: 0, variables: 1 });
    });

    test("a great many variables stay as they are", () => {
      const many = Object.fromEntries(Array.from({ length: 8000 }, (_, i) => [`V${i}`, ""]));
      expect(found(machine, many).variables & 255).toBe((8000 - 1) & 255);
    });

    test("a working directory that was deleted is noted down, and only that", () => {
      const gone = join(directory, "gone");
      mkdirSync(gone);
      expect(found(machine, {}, `cd ${gone}`).directoryGone).toBe(0);
      expect(found(machine, {}, `cd ${gone}; rmdir ${gone}`).directoryGone).toBe(1);
    });
  });
}

/** The engine's own entry, of two halves that differ. */
const ENTRY = 0x1a40d00;
const ENVIRON = 0x6867218;
const cargo = {
  root: 0x40000000,
  moduleName: 0x40000002,
  withoutJit: 0x40000008,
  module: 0x40000020,
  moduleBytes: 1280,
};
const places = { code: 0x400, table: 0x10800 };

const golden = (name: string) => join(import.meta.dir, "golden", `${name}.txt`);

describe("reads back as the instructions that were meant:", () => {
  disassemblyTest("the stub for x86_64", "i386:x86-64", () => {
    listed(golden("stub-x86-64"), "i386:x86-64", stubX8664(ENTRY, ENVIRON, cargo));
  });
  disassemblyTest("the stub for aarch64", "aarch64", () => {
    listed(golden("stub-aarch64"), "aarch64", stubAarch64(ENTRY, ENVIRON, cargo));
  });
  disassemblyTest("the call module for x86_64", "i386:x86-64", () => {
    listed(golden("call-x86-64"), "i386:x86-64", callX8664(places).bytes);
  });
  disassemblyTest("the call module for aarch64", "aarch64", () => {
    listed(golden("call-aarch64"), "aarch64", callAarch64(places).bytes);
  });
});

describe("the call module, loaded by this process", () => {
  const load = () => {
    const file = join(directory, "module.node");
    writeFileSync(file, callModule(process.arch === "arm64" ? "aarch64" : "x86_64"));
    const module: { exports: unknown } = { exports: undefined };
    process.dlopen(module, file);
    return module.exports as (...numbers: number[]) => number;
  };
  const call = load();

  test("makes system calls, with a negative errno for what fails", () => {
    expect(call(0, SYS.getpid)).toBe(process.pid);
    expect(call(0, SYS.close, -1)).toBe(-EBADF);
  });

  test("hands on all of six arguments", () => {
    // mmap(2), of which each counts: one page, read and written, private and anonymous, no file.
    const [mmap, munmap] = process.arch === "arm64" ? [222, 215] : [9, 11];
    const address = call(0, mmap, 0, 4096, 3, 0x22, -1, 0);
    expect(address).toBeGreaterThan(4096);
    expect(call(0, munmap, address, 4096)).toBe(0);
    expect(call(0, mmap, 0, 4096, 3, 0x02, -1, 0)).toBe(-EBADF);
    expect(call(0, mmap, 0, 4096, 3, 0x22, -1, 1)).toBe(-22);
  });

  test("starts a program", () => {
    const bytes = Buffer.from("/bin/true\0");
    const address = ffi.ptr(bytes);
    const argv = new BigUint64Array([BigInt(address), 0n]);
    const pid = new Int32Array(1);
    expect(call(1, ffi.ptr(pid), address, 0, 0, ffi.ptr(argv), ffi.ptr(argv) + 8)).toBe(0);
    const status = new Int32Array([-1]);
    expect(call(0, SYS.wait4, pid[0]!, ffi.ptr(status), 0, 0)).toBe(pid[0]!);
    expect(status[0]).toBe(0);
  });

  test("takes what is no number for zero", () => {
    expect((call as (...given: unknown[]) => number)(0, SYS.fcntl, "-1", 1)).toBeGreaterThanOrEqual(0);
    expect((call as (...given: unknown[]) => number)("raw", SYS.getpid)).toBe(process.pid);
  });
});

test("where an executable refers to environ is found, and one that doesn't is refused", () => {
  // This process's own engine is what the compiled executable is made of.
  const fd = openSync(process.execPath, "r");
  const head = new Uint8Array(4096);
  readSync(fd, head, 0, head.length, 0);
  expect(environSlot(fd, head)).toBeGreaterThan(0x200000);
  closeSync(fd);
  const file = join(directory, "no-environ");
  writeFileSync(file, engine("x86_64"));
  const other = openSync(file, "r");
  expect(() => environSlot(other, engine("x86_64"))).toThrow(/not linked dynamically/);
  closeSync(other);
});

test("the engine's constants are found, and an executable without any is refused", () => {
  const { address, bytes } = constantsSegment(readFileSync(process.execPath));
  const end = address + bytes;
  // The stub's stand-in for the engine has one segment, which is executable.
  expect(() => constantsSegment(engine("x86_64"))).toThrow(/no segment of constants/);
  expect(bytes).toBeGreaterThan(1 << 20);
  const mapped = readFileSync("/proc/self/maps", "utf8").split("\n");
  const [range, flags] = mapped.find((line) => line.startsWith(address.toString(16).padStart(8, "0")))!.split(" ");
  expect(flags).toBe("r--p");
  expect(Number.parseInt(range!.split("-")[1]!, 16)).toBeGreaterThanOrEqual(end);
});

test("what the stub has with it is where it looks for it", () => {
  const module = callModule("x86_64");
  const { cargo, bytes } = pack(STUB_ADDRESS, module);
  const textAt = (address: number) => {
    const from = bytes.subarray(address - STUB_ADDRESS);
    return new TextDecoder().decode(from.subarray(0, from.indexOf(0)));
  };
  expect([cargo.root, cargo.moduleName, cargo.withoutJit].map(textAt)).toEqual(["/", "runts", "BUN_JSC_useJIT=0"]);
  const at = cargo.module - STUB_ADDRESS;
  expect(bytes.subarray(at, at + cargo.moduleBytes)).toEqual(module);
});

describe("an executable that the stub isn't made for is refused:", () => {
  const refused: [what: string, change: (view: DataView) => void][] = [
    ["addresses that aren't fixed", (view) => view.setUint16(16, 3, true)],
    ["another machine", (view) => view.setUint16(18, 243, true)],
    ["no header to replace", (view) => view.setUint32(64, 1, true)],
    ["an image that reaches the stub", (view) => view.setBigUint64(64 + 56 + 40, BigInt(STUB_ADDRESS), true)],
  ];
  for (const [what, change] of refused) {
    test(what, () => {
      const image = engine("x86_64");
      change(new DataView(image.buffer));
      expect(() => withStub(image, image.length, ENVIRON_SLOT)).toThrow(/entry stub/);
    });
  }
});
