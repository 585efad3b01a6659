import { expect, test } from "bun:test";
import { disassemble, disassemblyTest } from "../src/program/disassemble-for-test.ts";
import { close } from "./files.ts";
import { addressOf, syscall } from "./libc.ts";
import { countingHandler, forwardingHandler, forwardSignals, signalsAsEvents } from "./signal-handlers.ts";
import { SYS } from "./syscall-numbers.ts";

disassemblyTest("the x86-64 handlers are what their comments say", "i386:x86-64", () => {
  expect(disassemble(forwardingHandler("x86_64", 0x12345), "i386:x86-64").slice(0, 7)).toEqual([
    "mov %edi,%esi",
    "mov $0x12345,%edi",
    "xor %edx,%edx",
    "xor %r10d,%r10d",
    "mov $0x1a8,%eax",
    "syscall",
    "ret",
  ]);
  const code = countingHandler("x86_64", 7);
  const counting = disassemble(code, "i386:x86-64");
  expect(counting.slice(0, 6)).toEqual([
    "mov $0x7,%edi",
    "lea 0xd(%rip),%rsi # 0x19",
    "mov $0x8,%edx",
    "mov $0x1,%eax",
    "syscall",
    "ret",
  ]);
  expect([...code.subarray(0x19, 0x21)]).toEqual([1, 0, 0, 0, 0, 0, 0, 0]);
  expect(disassemble(code.subarray(40), "i386:x86-64")).toEqual(["mov $0xf,%eax", "syscall"]);
});

disassemblyTest("the aarch64 handlers are what their comments say", "aarch64", () => {
  expect(disassemble(forwardingHandler("aarch64", 0x12345), "aarch64")).toEqual([
    "mov w1, w0",
    "mov w0, #0x2345",
    "movk w0, #0x1, lsl #16",
    "mov x2, xzr",
    "mov x3, xzr",
    "mov w8, #0x1a8",
    "svc #0x0",
    "ret",
  ]);
  const counting = disassemble(countingHandler("aarch64", 7), "aarch64");
  expect(counting.slice(2, 7)).toEqual(["adr x1, 0x1c", "mov w2, #0x8", "mov w8, #0x40", "svc #0x0", "ret"]);
  expect(counting.slice(7)[0]).toEqual("udf #1");
});

const SIGUSR2 = 12;
const SIGRTMIN = 34;
const SIGURG = 23;

test("signals go to the process of the pidfd, real-time ones too, and this process goes on", async () => {
  const script = `trap 'echo usr2; exit' USR2; trap 'echo rt' 34; echo ready; while :; do sleep 0.02; done`;
  const child = Bun.spawn(["bash", "-c", script], { stdout: "pipe" });
  const reader = child.stdout.getReader();
  const heard = async () => new TextDecoder().decode((await reader.read()).value).trim();
  const pidfd = syscall(SYS.pidfd_open, child.pid, 0);
  forwardSignals([SIGUSR2, SIGRTMIN], pidfd);
  expect(await heard()).toBe("ready");
  expect(syscall(SYS.kill, process.pid, SIGRTMIN)).toBe(0);
  expect(await heard()).toBe("rt");
  process.kill(process.pid, "SIGUSR2");
  expect(await heard()).toBe("usr2");
  expect(await child.exited).toBe(0);
  // It has ended: lost.
  process.kill(process.pid, "SIGUSR2");
  close(pidfd);
});

test("signals make a descriptor readable, and are counted", () => {
  const event = signalsAsEvents([SIGURG]);
  const pollfd = new Int32Array([event, 1]);
  const limit = new BigInt64Array([0n, 0n]);
  const readable = () => syscall(SYS.ppoll, addressOf(pollfd), 1, addressOf(limit), 0, 8) === 1;
  expect(readable()).toBe(false);
  for (let i = 0; i < 3; i++) syscall(SYS.kill, process.pid, SIGURG);
  expect(readable()).toBe(true);
  const count = new BigUint64Array(1);
  expect(syscall(SYS.read, event, addressOf(count), 8)).toBe(8);
  expect(count[0]).toBe(3n);
  expect(readable()).toBe(false);
  close(event);
});
