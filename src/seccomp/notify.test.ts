import { afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AF_UNIX, SOCK_CLOEXEC, SOCK_STREAM } from "../../native-bindings/constants.ts";
import { close, fstat, O_RDONLY, open } from "../../native-bindings/files.ts";
import { addressOf, syscall, text, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { connectUnix, receiveWithDescriptors } from "../../native-bindings/unix-socket.ts";
import { handOverListener, type ListenerHandOver } from "./notify.ts";

const opened: number[] = [];
const directories: string[] = [];

afterEach(() => {
  for (const fd of opened.splice(0)) close(fd);
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function agentPath(): string {
  const directory = mkdtempSync(join(tmpdir(), "runts-notify-"));
  directories.push(directory);
  return join(directory, "agent.sock");
}

/** A listening socket at `path`. */
function listen(path: string, backlog: number): number {
  const fd = syscall(SYS.socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC);
  opened.push(fd);
  const name = utf8(path);
  const address = new Uint8Array(110);
  address[0] = AF_UNIX;
  address.set(name, 2);
  expect(syscall(SYS.bind, fd, addressOf(address), 3 + name.length)).toBe(0);
  expect(syscall(SYS.listen, fd, backlog)).toBe(0);
  return fd;
}

function handOver(listenerPath: string, more: Partial<ListenerHandOver> = {}): ListenerHandOver {
  const state = { ociVersion: "1.3.0", id: "web", status: "creating", pid: 42, bundle: "/b", annotations: { a: "1" } };
  return { listenerPath, pid: 42, state, ...more };
}

/** What the agent gets. */
function received(listener: number): { message: unknown; fds: readonly number[]; rest: number } {
  const connection = syscall(SYS.accept4, listener, 0, 0, SOCK_CLOEXEC);
  opened.push(connection);
  const { bytes, fds } = receiveWithDescriptors(connection, 4096, 1000, 4);
  opened.push(...fds);
  return { message: JSON.parse(text(bytes)), fds, rest: receiveWithDescriptors(connection, 10, 1000).bytes.length };
}

test("an agent gets one message, with the state, the metadata and the descriptor, and then the end", () => {
  const path = agentPath();
  const agent = listen(path, 4);
  const file = open("/proc/self/status", O_RDONLY);
  opened.push(file);
  handOverListener(handOver(path, { listenerMetadata: "from the profile" }), file);
  const { message, fds, rest } = received(agent);
  expect(message).toEqual({
    ociVersion: "1.3.0",
    fds: ["seccompFd"],
    pid: 42,
    metadata: "from the profile",
    state: { ociVersion: "1.3.0", id: "web", status: "creating", pid: 42, bundle: "/b", annotations: { a: "1" } },
  });
  expect(fds.length).toBe(1);
  expect(fstat(fds[0]!).inode).toBe(fstat(file).inode);
  expect(rest).toBe(0);
});

test("metadata that is absent or empty is left out", () => {
  const path = agentPath();
  const agent = listen(path, 4);
  for (const listenerMetadata of [undefined, ""]) {
    handOverListener(handOver(path, { listenerMetadata }), agent);
    expect(Object.keys(received(agent).message as object)).toEqual(["ociVersion", "fds", "pid", "state"]);
  }
});

test("an agent that is not there is said in runc's words, with the path and the reason", () => {
  const path = agentPath();
  const action = () => handOverListener(handOver(path), 0);
  expect(action).toThrow(
    "failed to connect with seccomp agent specified in the seccomp profile: no such file or directory (ENOENT)",
  );
  expect(action).toThrow(path);
});

test("an agent that does not accept is given up on", () => {
  const path = agentPath();
  listen(path, 0);
  opened.push(connectUnix(path, 1000));
  const start = performance.now();
  expect(() => handOverListener(handOver(path), 0, 80)).toThrow("(ETIMEDOUT)");
  expect(performance.now() - start).toBeLessThan(3000);
});
