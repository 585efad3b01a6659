import { afterEach, expect, test } from "bun:test";
import { SOCK_SEQPACKET } from "../../native-bindings/constants.ts";
import { close, fstat, O_RDONLY, open } from "../../native-bindings/files.ts";
import { addressOf, syscall, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { sendWithDescriptors, socketPair } from "../../native-bindings/unix-socket.ts";
import { KERNEL_TEXT_BYTES, Message } from "../program/layout.ts";
import { hear, limitSilence, SILENCE_LIMIT_SECONDS, sayGo } from "./conversation.ts";

let opened: number[] = [];
afterEach(() => {
  for (const fd of opened) close(fd);
  opened = [];
});

/** The runtime's end and the program's. */
function conversation(): readonly [runtime: number, program: number] {
  const both = socketPair(SOCK_SEQPACKET);
  opened.push(...both);
  return both;
}

function write(socket: number, bytes: Uint8Array): void {
  expect(syscall(SYS.write, socket, addressOf(bytes), bytes.length)).toBe(bytes.length);
}

const words = (...list: number[]) => new Uint8Array(Int32Array.from(list).buffer);

for (const withDescriptors of [false, true]) {
  const how = withDescriptors ? " that may come with descriptors" : "";

  test(`messages${how} are heard one by one, in order`, () => {
    const [runtime, program] = conversation();
    write(program, words(Message.Cloned, 4711, 0));
    write(program, words(Message.Failed, 0x400200, -13));
    expect(hear(runtime, withDescriptors)).toMatchObject({ kind: Message.Cloned, first: 4711 });
    expect(hear(runtime, withDescriptors)).toMatchObject({ kind: Message.Failed, first: 0x400200, second: -13 });
  });

  test(`the end${how} is heard as such, after what was said before it`, () => {
    const [runtime, program] = conversation();
    write(program, words(Message.Ready, 0, 0));
    close(program);
    opened = [runtime];
    expect(hear(runtime, withDescriptors).kind).toBe(Message.Ready);
    expect(hear(runtime, withDescriptors).kind).toBeUndefined();
  });

  test(`what a program said${how} before it ended is heard, though it did not read everything`, () => {
    const [runtime, program] = conversation();
    sayGo(runtime);
    write(program, words(Message.Failed, 0x400200, -13));
    close(program);
    opened = [runtime];
    expect(hear(runtime, withDescriptors)).toMatchObject({ kind: Message.Failed, first: 0x400200, second: -13 });
    expect(hear(runtime, withDescriptors).kind).toBeUndefined();
  });
}

test("what the kernel says of a mount ends at the first NUL", () => {
  const [runtime, program] = conversation();
  const said = new Uint8Array(KERNEL_TEXT_BYTES);
  said.set(words(Message.KernelText));
  said.set(utf8("e tmpfs: Unknown parameter 'sizzle'\n"), 4);
  said.set(utf8("left over"), 100);
  write(program, said);
  expect(hear(runtime, false)).toMatchObject({
    kind: Message.KernelText,
    text: "tmpfs: Unknown parameter 'sizzle'",
  });
});

test("descriptors arrive with their message", () => {
  const [runtime, program] = conversation();
  const sent = open("/etc", O_RDONLY);
  sendWithDescriptors(program, words(Message.WantsCopy, 0, 0), [sent], 1000);
  const { kind, fds } = hear(runtime, true);
  opened.push(sent, ...fds);
  expect(kind).toBe(Message.WantsCopy);
  expect(fds.map((fd) => fstat(fd).inode)).toEqual([fstat(sent).inode]);
});

test("go is one byte, and saying it to a program that is gone harms nobody", () => {
  const [runtime, program] = conversation();
  sayGo(runtime);
  const heard = new Uint8Array(8);
  expect(syscall(SYS.read, program, addressOf(heard), 8)).toBe(1);
  close(program);
  opened = [runtime];
  sayGo(runtime);
  expect(hear(runtime, false).kind).toBeUndefined();
});

test("a program that is silent is not waited for without end", () => {
  const [runtime] = conversation();
  limitSilence(runtime);
  const [limit, size] = [new BigInt64Array(2), Int32Array.of(16)];
  const [SOL_SOCKET, SO_RCVTIMEO] = [1, 20];
  const GETSOCKOPT = process.arch === "x64" ? 55 : 209;
  expect(syscall(GETSOCKOPT, runtime, SOL_SOCKET, SO_RCVTIMEO, addressOf(limit), addressOf(size))).toBe(0);
  expect(Number(limit[0])).toBe(SILENCE_LIMIT_SECONDS);
});
