import { afterEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SOCK_SEQPACKET, SOCK_STREAM } from "./constants.ts";
import { ECONNREFUSED, EINVAL, ENOENT, EPIPE, ETIMEDOUT } from "./errno.ts";
import { close, fstat, O_RDONLY, open, readLink } from "./files.ts";
import { addressOf, syscall, text, utf8 } from "./libc.ts";
import { SYS } from "./syscall-numbers.ts";
import { isErrno } from "./system-error.ts";
import { connectUnix, receiveWithDescriptors, sendWithDescriptors, socketPair } from "./unix-socket.ts";

const opened: number[] = [];
const directories: string[] = [];

afterEach(() => {
  for (const fd of opened.splice(0)) close(fd);
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function pair(type: number): readonly [number, number] {
  const both = socketPair(type);
  opened.push(...both);
  return both;
}

function directory(): string {
  const made = mkdtempSync(join(tmpdir(), "runts-unix-socket-"));
  directories.push(made);
  return made;
}

/** A listening socket at `path`, by way of the working directory so that `path` may be long. */
function listenAt(path: string, backlog: number): number {
  const fd = syscall(SYS.socket, 1, SOCK_STREAM);
  opened.push(fd);
  const slash = path.lastIndexOf("/");
  const holder = open(path.slice(0, slash), O_RDONLY);
  const name = utf8(`/proc/self/fd/${holder}${path.slice(slash)}`);
  const address = new Uint8Array(110);
  address[0] = 1;
  address.set(name, 2);
  expect(syscall(SYS.bind, fd, addressOf(address), 3 + name.length)).toBe(0);
  close(holder);
  expect(syscall(SYS.listen, fd, backlog)).toBe(0);
  return fd;
}

function failure(action: () => unknown, errno: number): boolean {
  try {
    action();
  } catch (error) {
    return isErrno(error, errno);
  }
  return false;
}

const isCloseOnExec = (fd: number) => (syscall(SYS.fcntl, fd, 1) & 1) === 1;

test("a descriptor arrives open, close-on-exec and naming the same file", () => {
  const [a, b] = pair(SOCK_SEQPACKET);
  const file = open("/proc/self/status", O_RDONLY);
  opened.push(file);
  sendWithDescriptors(a, utf8("hello"), [file], 1000);
  const received = receiveWithDescriptors(b, 100, 1000);
  opened.push(...received.fds);
  expect(text(received.bytes)).toBe("hello");
  expect(received.fds.length).toBe(1);
  expect(received.fds[0]).not.toBe(file);
  expect(fstat(received.fds[0]!).inode).toBe(fstat(file).inode);
  expect(isCloseOnExec(received.fds[0]!)).toBe(true);
  expect(isCloseOnExec(a)).toBe(true);
});

test("three descriptors and a message without any keep their order", () => {
  const [a, b] = pair(SOCK_SEQPACKET);
  sendWithDescriptors(a, utf8("three"), [a, b, a], 1000);
  sendWithDescriptors(a, utf8("none"), [], 1000);
  const first = receiveWithDescriptors(b, 100, 1000, 3);
  opened.push(...first.fds);
  expect(first.fds.map((fd) => fstat(fd).inode)).toEqual([a, b, a].map((fd) => fstat(fd).inode));
  const second = receiveWithDescriptors(b, 100, 1000, 3);
  expect([text(second.bytes), second.fds.length]).toEqual(["none", 0]);
});

test("more descriptors than wanted are refused and none of them leaks", () => {
  const [a, b] = pair(SOCK_SEQPACKET);
  const probe = open("/dev/null", O_RDONLY);
  close(probe);
  sendWithDescriptors(a, utf8("x"), [a, a, a, a, a], 1000);
  expect(failure(() => receiveWithDescriptors(b, 100, 1000, 1), EPIPE)).toBe(true);
  const again = open("/dev/null", O_RDONLY);
  opened.push(again);
  expect(again).toBe(probe);
});

test("a stream message longer than the socket's buffer is sent whole once the reader drains it", async () => {
  const [a, b] = pair(SOCK_STREAM);
  const child = Bun.spawn(["sh", "-c", "sleep 0.1; wc -c"], { stdin: b, stdout: "pipe" });
  close(opened.splice(opened.indexOf(b), 1)[0]!);
  sendWithDescriptors(a, new Uint8Array(1 << 20), [], 10_000);
  close(opened.splice(opened.indexOf(a), 1)[0]!);
  expect((await new Response(child.stdout).text()).trim()).toBe(`${1 << 20}`);
});

test("a reader that never comes, or a writer that never writes, is ETIMEDOUT", () => {
  const [a, b] = pair(SOCK_STREAM);
  const start = performance.now();
  expect(failure(() => receiveWithDescriptors(b, 10, 60), ETIMEDOUT)).toBe(true);
  expect(failure(() => sendWithDescriptors(a, new Uint8Array(4 << 20), [], 60), ETIMEDOUT)).toBe(true);
  expect(performance.now() - start).toBeGreaterThan(100);
});

test("a closed other side reads as no bytes, and writing to it is EPIPE without a signal", () => {
  const [a, b] = pair(SOCK_STREAM);
  close(opened.splice(opened.indexOf(b), 1)[0]!);
  expect(receiveWithDescriptors(a, 10, 1000).bytes.length).toBe(0);
  expect(failure(() => sendWithDescriptors(a, utf8("x"), [], 1000), EPIPE)).toBe(true);
});

test("an empty message is refused, since its descriptors would be lost", () => {
  const [a] = pair(SOCK_STREAM);
  expect(failure(() => sendWithDescriptors(a, new Uint8Array(0), [a], 1000), EINVAL)).toBe(true);
});

test("a socket whose path is longer than sun_path is reached", () => {
  const deep = join(directory(), "x".repeat(120));
  mkdirSync(deep);
  const listener = listenAt(`${deep}/socket`, 1);
  const fd = connectUnix(`${deep}/socket`, 1000);
  opened.push(fd);
  const accepted = syscall(SYS.accept4, listener, 0, 0, 0);
  opened.push(accepted);
  sendWithDescriptors(fd, utf8("far"), [], 1000);
  expect(text(receiveWithDescriptors(accepted, 10, 1000).bytes)).toBe("far");
  expect(readLink(`/proc/self/fd/${fd}`)).toStartWith("socket:");
});

test("connecting says ENOENT, ECONNREFUSED, EINVAL and ETIMEDOUT as they are", () => {
  const path = join(directory(), "socket");
  expect(failure(() => connectUnix(path, 1000), ENOENT)).toBe(true);
  expect(failure(() => connectUnix("", 1000), EINVAL)).toBe(true);
  expect(failure(() => connectUnix("/a\0b", 1000), EINVAL)).toBe(true);
  const listener = listenAt(path, 0);
  opened.push(connectUnix(path, 1000));
  expect(failure(() => opened.push(connectUnix(path, 60)), ETIMEDOUT)).toBe(true);
  close(opened.splice(opened.indexOf(listener), 1)[0]!);
  expect(failure(() => connectUnix(path, 1000), ECONNREFUSED)).toBe(true);
});
