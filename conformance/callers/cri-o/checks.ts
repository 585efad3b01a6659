import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defaultConfig } from "../../machine/bundles.ts";
import { check, equal, matches } from "../check.ts";
import { answer, equals, run, says, saysAtTerminal } from "../command.ts";
import type { Place } from "../place.ts";
import { cgroupFile, cgroupsLeft, namesIn, processesOf } from "../processes.ts";
import { type CrioContainer, crioContainer } from "./conmon.ts";

/** The calls of CRI-O's internal/oci/runtime_oci.go: by conmon what has streams, and directly what has an answer. */
export async function crioChecks(place: Place): Promise<void> {
  await says("features: JSON and nothing else", [place.runtime, "features"], { says: /^\{.*"ociVersionMin".*\}\s*$/s });
  const waits = 'echo up; trap "exit 3" TERM; while :; do sleep 0.1; done';
  const config = defaultConfig(["sh", "-c", waits], `/${place.cgroup}/crio-c1`);
  config.annotations = { "io.container.manager": "cri-o", "io.kubernetes.cri-o.TTY": "false" };
  const container = crioContainer(place, "c1", config);
  await starts(container);
  await execs(container);
  await controls(container);
  await ends(container, place);
}

async function starts({ create, direct, bundle, id }: CrioContainer): Promise<void> {
  await check("create: conmon is told the pid", async () => {
    const pid = await create();
    equal(readFileSync(join(bundle, "../pid"), "utf8"), String(pid));
    equal(existsSync(`/proc/${pid}`) ? "there" : "gone", "there");
  });
  await check("state: created, and when", async () => {
    const state = JSON.parse(await answer(direct("state", id), { env: bare }));
    equal(`${state.status} ${state.bundle}`, `created ${bundle}`);
    matches(state.created, /^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/);
    equal(Math.abs(Date.parse(state.created) - Date.now()) < 60_000 ? "now" : state.created, "now");
  });
  await says("start", direct("start", id), { env: bare });
  await equals("state: running", () => status(direct("state", id)), "running");
}

/** CRI-O gives its direct calls next to nothing. */
const bare = { CRI_O_EXTERNAL: "1", PATH: "/usr/bin:/bin", XDG_RUNTIME_DIR: "" };

async function status(command: readonly string[]): Promise<string> {
  return JSON.parse(await answer(command, { env: bare })).status;
}

async function execs({ execSync, direct, bundle, id }: CrioContainer): Promise<void> {
  const process = (script: string, more: object = {}) => ({
    ...{ args: ["sh", "-c", script], cwd: "/", env: ["PATH=/bin"], user: { uid: 0, gid: 0 } },
    ...more,
  });
  await check("exec: synchronous, its status and output", async () => {
    const done = await execSync(process("echo out; echo err >&2; exit 7"));
    equal(done.status, 7);
    matches(done.log, /stdout F out/, /stderr F err/);
  });
  await check("exec: synchronous, no such program", async () => {
    const failure = await execSync({ ...process(""), args: ["/nonexistent"] }).catch((error: Error) => error.message);
    matches(JSON.stringify(failure), /no such file or directory/);
  });
  const write = (name: string, value: object) => {
    const path = join(bundle, `../${name}.json`);
    void Bun.write(path, JSON.stringify(value));
    return path;
  };
  const streamed = write("stream", process("cat; exit 5", { user: { uid: 1000, gid: 1000 } }));
  await says("exec: a stream in the foreground", direct("exec", "--process", streamed, id), {
    input: "streamed\n",
    status: 5,
    says: /^streamed$/m,
  });
  const typed = write("terminal", process("tty; sleep 1; stty size; exit 6", { terminal: true }));
  await saysAtTerminal("exec: a terminal in the foreground", direct("exec", "--process", typed, id), {
    status: 6,
    says: [/\/dev\/pts\/0/, /37 101/],
  });
}

async function controls({ direct, id }: CrioContainer): Promise<void> {
  await says("pause", direct("pause", id), { env: bare });
  await equals("pause: its state", () => status(direct("state", id)), "paused");
  await says("resume", direct("resume", id), { env: bare });
  const resources = { memory: { limit: 134_217_728 }, cpu: { quota: 50_000, period: 100_000 } };
  await says("update: from standard input", direct("update", "--resources", "-", id), {
    input: JSON.stringify(resources),
  });
  await check("update: memory is limited", async () => {
    const { pid } = JSON.parse(await answer(direct("state", id)));
    equal(cgroupFile(String(pid), "memory", "memory.limit_in_bytes", "memory.max"), "134217728");
  });
}

async function ends({ direct, exitStatus, id }: CrioContainer, place: Place): Promise<void> {
  await says("kill: by name", direct("kill", id, "TERM"), { env: bare });
  await equals("kill: conmon has the exit status", exitStatus, "3");
  await check("kill: once more", async () => {
    const done = await run(direct("kill", id, "KILL"), { env: bare });
    if (done.status !== 0) matches(done.output, /no such process|container not running|invalid process/);
  });
  await equals("state: stopped", () => status(direct("state", id)), "stopped");
  await says("delete --force", direct("delete", "--force", id), { env: bare });
  await says("delete --force: once more", direct("delete", "--force", id), { env: bare });
  await says("state: of a container that is gone", direct("state", id), {
    status: 1,
    says: /container does not exist/,
  });
  await equals("left behind: nothing in the state directory", async () => namesIn("/run/runts"), "");
  await equals("left behind: no cgroup", async () => cgroupsLeft(place.cgroup, /^\/harness$/), "");
  await equals("left behind: no conmon", async () => processesOf("conmon").join(" "), "");
}
