import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startTimeOf } from "../state/process-identity.ts";

const scratch = mkdtempSync(join(tmpdir(), "runts-cli-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const root = join(scratch, "root");
mkdirSync(root);

function runts(...argv: string[]) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, join(import.meta.dir, "main.ts"), ...argv]);
  return { exitCode, out: stdout.toString(), err: stderr.toString() };
}

/** A state directory as `create` leaves it, for a process that this test started. */
function container(id: string, changes: object = {}) {
  mkdirSync(join(root, id));
  const record = {
    id,
    ociVersion: "1.3.0",
    status: "ready",
    bundle: "/b",
    rootfs: "/b/rootfs",
    created: "2026-01-02T03:04:05.6Z",
    init_process_pid: 0,
    init_process_start: 0,
    rootless: false,
    private_pid_namespace: true,
    ...changes,
  };
  writeFileSync(join(root, id, "state.json"), JSON.stringify(record));
}

function sleeper() {
  const child = Bun.spawn(["sleep", "1000"]);
  return { child, init_process_pid: child.pid, init_process_start: startTimeOf(child.pid) };
}

test("the state of a stopped container is printed as runc prints it", () => {
  container("stopped", { annotations: { z: "<", a: "1" } });
  const { out, err, exitCode } = runts("--root", root, "state", "stopped");
  expect({ err, exitCode }).toEqual({ err: "", exitCode: 0 });
  expect(out).toBe(`{
  "ociVersion": "1.3.0",
  "id": "stopped",
  "pid": 0,
  "status": "stopped",
  "bundle": "/b",
  "rootfs": "/b/rootfs",
  "created": "2026-01-02T03:04:05.6Z",
  "annotations": {
    "a": "1",
    "z": "\\u003c"
  },
  "owner": ""
}`);
  expect(runts("--root", root, "delete", "stopped").exitCode).toBe(0);
});

test("a container is running, then killed, then stopped, then deleted", async () => {
  const { child, ...identity } = sleeper();
  container("alive", identity);
  expect(JSON.parse(runts("--root", root, "state", "alive").out)).toMatchObject({ status: "running", pid: child.pid });
  expect(runts("--root", root, "delete", "alive").err).toContain(
    "cannot delete container alive that is not stopped: running",
  );
  expect(runts("--root", root, "kill", "alive", "sigterm").exitCode).toBe(0);
  await child.exited;
  expect(child.signalCode).toBe("SIGTERM");
  expect(runts("--root", root, "kill", "alive").err).toContain("container not running");
  expect(runts("--root", root, "kill", "-a", "alive", "9").exitCode).toBe(0);
  expect(runts("--root", root, "delete", "alive").exitCode).toBe(0);
  expect(existsSync(join(root, "alive"))).toBe(false);
});

test("a created container is deleted without force, its process killed", async () => {
  const { child, ...identity } = sleeper();
  container("created", identity);
  writeFileSync(join(root, "created", "exec.fifo"), "");
  expect(JSON.parse(runts("--root", root, "state", "created").out).status).toBe("created");
  expect(runts("--root", root, "delete", "created").exitCode).toBe(0);
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  expect(readdirSync(root)).not.toContain("created");
});

test("SIGTERM ends a container that waits for start", async () => {
  const { child, ...identity } = sleeper();
  container("waiting", identity);
  writeFileSync(join(root, "waiting", "exec.fifo"), "");
  expect(runts("--root", root, "kill", "waiting", "TERM").exitCode).toBe(0);
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
  expect(runts("--root", root, "delete", "waiting").exitCode).toBe(0);
});

test("a process that only has the pid is not touched", () => {
  const { child, ...identity } = sleeper();
  container("reused", { ...identity, init_process_start: identity.init_process_start! - 1 });
  expect(JSON.parse(runts("--root", root, "state", "reused").out)).toMatchObject({ status: "stopped", pid: 0 });
  expect(runts("--root", root, "delete", "--force", "reused").exitCode).toBe(0);
  expect(startTimeOf(child.pid)).toBe(identity.init_process_start);
  child.kill();
});

test("a create that was killed is stopped, one that goes on is creating and ended by force", async () => {
  container("orphan", { status: "creating", creator_pid: 1, creator_start: 1 });
  expect(JSON.parse(runts("--root", root, "state", "orphan").out).status).toBe("stopped");
  expect(runts("--root", root, "delete", "orphan").exitCode).toBe(0);
  const { child } = sleeper();
  container("young", { status: "creating", creator_pid: child.pid, creator_start: startTimeOf(child.pid) });
  expect(runts("--root", root, "delete", "young").err).toContain("not stopped: creating");
  expect(runts("--root", root, "delete", "-f", "young").exitCode).toBe(0);
  await child.exited;
  expect(child.signalCode).toBe("SIGKILL");
});

test("damaged state files are listed as such, and removed by force only", () => {
  for (const [i, content] of ["", "{", "[]", "{}", "null", '"x"'].entries()) {
    const id = `damaged${i}`;
    mkdirSync(join(root, id));
    writeFileSync(join(root, id, "state.json"), content);
    expect(runts("--root", root, "state", id)).toMatchObject({ exitCode: 1, out: "" });
    const list = runts("--root", root, "list", "-q");
    expect(list).toMatchObject({ exitCode: 0, out: "" });
    expect(list.err).toStartWith(`load container ${id}: the container's state file is damaged`);
    expect(runts("--root", root, "delete", id).exitCode).toBe(1);
    expect(runts("--root", root, "delete", "--force", id).exitCode).toBe(0);
  }
  expect(readdirSync(root)).toEqual([]);
});

test("no command follows an id out of the state root (CVE-2014-3499)", () => {
  const sibling = join(scratch, "sibling");
  mkdirSync(sibling);
  symlinkSync(sibling, join(root, "link"));
  for (const id of ["..", ".", "../sibling", "", "a/../../sibling"]) {
    for (const command of [["state"], ["kill"], ["delete"], ["delete", "--force"], ["start"]]) {
      expect(runts("--root", root, ...command, "--", id)).toMatchObject({ exitCode: 1, out: "" });
    }
  }
  expect(runts("--root", root, "delete", "-f", "link").exitCode).toBe(1);
  expect(existsSync(sibling)).toBe(true);
  rmSync(join(root, "link"));
});

test("an unknown container is an error for all but delete --force, which also clears what is left of it", () => {
  for (const command of ["state", "kill", "delete", "start"]) {
    expect(runts("--root", root, command, "nope")).toMatchObject({ exitCode: 1, out: "" });
    expect(runts("--root", root, command, "nope").err).toContain("container does not exist");
  }
  mkdirSync(join(root, "rest", "notify"), { recursive: true });
  writeFileSync(join(root, "rest", "notify", "notify.sock"), "");
  expect(runts("--root", root, "delete", "--force", "rest")).toEqual({ exitCode: 0, out: "", err: "" });
  expect(readdirSync(root)).toEqual([]);
});

test("a missing root is told, and not made", () => {
  const missing = join(scratch, "missing");
  expect(runts("--root", missing, "list").err).toContain(`open ${missing}: no such file or directory`);
  expect(existsSync(missing)).toBe(false);
});

test("lists are a table, JSON, or ids", () => {
  expect(runts("--root", root, "list", "--format=json").out).toBe("null\n");
  expect(runts("--root", root, "list").out).toBe("ID          PID         STATUS      BUNDLE      CREATED     OWNER\n");
  container("one", { bundle: "/a/long/bundle/path" });
  expect(runts("--root", root, "list").out.split("\n")[1]).toMatch(
    /^one {9}0 {11}stopped {5}\/a\/long\/bundle\/path {3}2026-01-02T03:04:05.6Z {3}\S+$/,
  );
  expect(runts("--root", root, "list", "-q").out).toBe("one\n");
  expect(JSON.parse(runts("--root", root, "list", "-f", "json").out)).toMatchObject([{ id: "one", status: "stopped" }]);
  expect(runts("--root", root, "list", "-f", "xml").err).toContain("invalid format option");
  expect(runts("--root", root, "delete", "one").exitCode).toBe(0);
});

test("poststop hooks run after the state is gone, all of them, and a failing one is a warning", () => {
  const seen = join(scratch, "seen");
  const hooks = {
    poststop: [
      { path: "/bin/sh", args: ["sh", "-c", "exit 4"] },
      { path: "/bin/sh", args: ["sh", "-c", `cat > ${seen}; ls ${root} >> ${seen}`] },
    ],
  };
  container("hooked", { hooks });
  const { exitCode, err } = runts("--root", root, "delete", "hooked");
  expect(exitCode).toBe(0);
  expect(err).toContain("level=warning");
  expect(err).toContain("error running poststop hook #0: exit status 4");
  expect(readFileSync(seen, "utf8")).toBe('{"ociVersion":"1.3.0","id":"hooked","status":"stopped","bundle":"/b"}');
});

test("an error goes to the log as JSON and to standard error as it is", () => {
  const log = join(scratch, "log.json");
  const { exitCode, err, out } = runts("--log", log, "--log-format", "json", "--root", root, "state", "nope");
  expect({ exitCode, out }).toEqual({ exitCode: 1, out: "" });
  expect(JSON.parse(readFileSync(log, "utf8"))).toMatchObject({ level: "error", msg: err.trimEnd() });
});

test("mistakes on the command line end with runc's words and status", () => {
  expect(runts("nope")).toMatchObject({ exitCode: 3, out: "" });
  expect(runts("nope").err).toContain(`level=error msg="No help topic for 'nope'\\n"`);
  expect(runts("state", "--nope", "x")).toMatchObject({ exitCode: 1 });
  expect(runts("state", "--nope", "x").out).toStartWith("Incorrect Usage: flag provided but not defined: -nope\n");
  expect(runts("state").err).toContain('\\"state\\" requires exactly 1 argument(s)');
  expect(runts("--log-format", "xml", "list").err).toContain("invalid log-format: xml");
  expect(runts("--root", "/", "list").err).toContain("Option --root argument should not be set to /");
  expect(runts("kill", "--help")).toMatchObject({ exitCode: 0, err: "" });
});

test("the version can be read by those who look for runc's, and names this runtime last", () => {
  const lines = runts("--root", "/", "--version").out.trimEnd().split("\n");
  expect(lines[0]).toMatch(/^runc version \d+\.\d+\.\d+$/);
  expect(lines.filter((line) => line.includes("version")).at(-1)).toStartWith("runts version ");
  // Built from a commit, "commit: " comes between; runc's own test wants both where runc has them.
  expect(lines[1]).toMatch(/^(commit|spec): /);
  expect(lines).toContain("spec: 1.3.0");
});

test.skipIf(Bun.which("strace") === null)(
  "standard streams that are closed become /dev/null before anything else is opened",
  () => {
    const log = join(scratch, "streams.log");
    const command = `exec 0<&- 1>&- 2>&-; exec strace -o ${log} -e trace=openat,open "$0" "$1" --root "$2" list`;
    Bun.spawnSync(["/bin/sh", "-c", command, process.execPath, join(import.meta.dir, "main.ts"), root]);
    const numbers = readFileSync(log, "utf8")
      .split("\n")
      .filter((line) => line.includes('"/dev/null"'))
      .map((line) => line.at(-1));
    expect(numbers.slice(0, 3)).toEqual(["0", "1", "2"]);
  },
);

test("closed or broken standard streams are no failure", () => {
  container("quiet");
  const shell = (redirection: string) =>
    Bun.spawnSync([
      "/bin/sh",
      "-c",
      `"$0" "$1" --root "$2" state quiet ${redirection}`,
      process.execPath,
      join(import.meta.dir, "main.ts"),
      root,
    ]).exitCode;
  expect(shell(">&-")).toBe(0);
  expect(shell("<&- >&- 2>&-")).toBe(0);
  expect(shell("1</dev/null")).toBe(0);
  expect(runts("--root", root, "delete", "quiet").exitCode).toBe(0);
});
