import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { close } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { Hook } from "../bundle/config.ts";
import { RuntimeFault } from "../report/fault.ts";
import { type HookState, runHostHooks } from "./host-hooks.ts";

const directory = mkdtempSync(join(tmpdir(), "runts-hooks-"));
afterAll(() => rmSync(directory, { recursive: true }));

const state: HookState = { ociVersion: "1.3.0", id: "c", status: "creating", pid: 7, bundle: "/b<", annotations: {} };
const out = join(directory, "out");

function shell(script: string, more: Partial<Hook> = {}): Hook {
  return { path: "/bin/sh", args: ["sh", "-c", script], ...more };
}

function faultOf(action: () => void): RuntimeFault {
  try {
    action();
  } catch (error) {
    if (error instanceof RuntimeFault) return error;
    throw error;
  }
  throw new Error("no fault");
}

test("a hook reads the state from its standard input", () => {
  runHostHooks("createRuntime", [shell(`cat > ${out}`)], state);
  expect(readFileSync(out, "utf8")).toBe(
    '{"ociVersion":"1.3.0","id":"c","status":"creating","pid":7,"bundle":"/b\\u003c"}',
  );
});

test("args[0] is the hook's name and the directory is the one given", () => {
  const args = ["my name", "-c", `tr '\\0' ' ' < /proc/$$/cmdline > ${out}; pwd >> ${out}`];
  runHostHooks("prestart", [{ path: "/bin/sh", args }], state, directory);
  expect(readFileSync(out, "utf8")).toStartWith("my name -c ");
  expect(readFileSync(out, "utf8").trimEnd()).toEndWith(directory);
});

test("the environment is exactly the configured one, and the runtime's when none is configured", () => {
  const environmentOf = (env: string[] | undefined) => {
    runHostHooks("poststart", [{ path: "/bin/sh", args: ["sh", "-c", `cat /proc/$$/environ > ${out}`], env }], state);
    return readFileSync(out, "utf8").split("\0").filter(Boolean);
  };
  expect(environmentOf(["A=1", "B=x=y"])).toEqual(["A=1", "B=x=y"]);
  expect(environmentOf([])).toEqual([]);
  expect(environmentOf(undefined)).toContain(`PATH=${process.env.PATH}`);
});

test("a hook gets no descriptors but its three streams, and no ignored signals", () => {
  // dup(2) makes a descriptor that would be inherited.
  const leaked = syscall(SYS.dup, 0);
  runHostHooks("poststart", [shell(`ls /proc/self/fd > ${out}; grep SigIgn /proc/self/status >> ${out}`)], state);
  close(leaked);
  // 3 is the directory that ls reads.
  expect(readFileSync(out, "utf8")).toBe("0\n1\n2\n3\nSigIgn:\t0000000000000000\n");
});

test("a failing hook is told with its pointer, status and output, and the next one does not run", () => {
  const marker = join(directory, "second");
  const fault = faultOf(() =>
    runHostHooks(
      "createRuntime",
      [shell("true"), shell("echo one; echo two >&2; exit 3"), shell(`touch ${marker}`)],
      state,
    ),
  );
  expect(fault.facts.what).toBe("error running createRuntime hook #1: exit status 3, stdout: one\n, stderr: two\n");
  expect(fault.facts.where).toBe("/hooks/createRuntime/1");
  expect(() => readFileSync(marker)).toThrow();
});

test("at most 64 KiB of a stream are shown", () => {
  const fault = faultOf(() =>
    runHostHooks("prestart", [shell("head -c 300000 /dev/zero | tr '\\0' x; exit 1")], state),
  );
  expect(fault.facts.what.match(/x/g)!.length).toBeWithin(60_000, 66_000);
});

test("a hook that takes too long is killed", () => {
  const started = performance.now();
  const fault = faultOf(() => runHostHooks("prestart", [shell("exec sleep 10", { timeout: 1 })], state));
  expect(fault.facts.what).toStartWith("error running prestart hook #0: hook ran past specified timeout of 1.0s");
  expect(performance.now() - started).toBeWithin(900, 5000);
});

test("a hook has ended when it ended, though a process of its own holds its output", () => {
  const started = performance.now();
  runHostHooks("prestart", [shell(`sleep 5 & echo $! > ${out}`)], state);
  expect(performance.now() - started).toBeLessThan(3000);
  process.kill(Number(readFileSync(out, "utf8")), "SIGKILL");
});

test("a hook that is not there is told with its errno", () => {
  const fault = faultOf(() => runHostHooks("poststop", [{ path: "/nope/hook" }], state));
  expect(fault.facts).toMatchObject({ what: "error running poststop hook #0: fork/exec /nope/hook", errno: 2 });
});

test("a killed hook is told with its signal", () => {
  const fault = faultOf(() => runHostHooks("prestart", [shell("kill -TERM $$")], state));
  expect(fault.facts.what).toStartWith("error running prestart hook #0: signal: SIGTERM, ");
});
