/** What only some programs ask of the runtime: hooks, a seccomp listener, a copy into a tmpfs. See conversation.ts. */
import { close, readTextIfThere } from "../../native-bindings/files.ts";
import { addressOf, syscallRetry, text, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { hookEnding } from "../hooks/hook-ending.ts";
import { type HookState, runHostHooks } from "../hooks/host-hooks.ts";
import { Message } from "../program/layout.ts";
import { goJson } from "../report/go-json.ts";
import type { Heard } from "./conversation.ts";
import type { SetUp } from "./set-up.ts";
import { specVersion } from "./state.ts";
import { takeListener } from "./take-listener.ts";

/** Does what a message asks for. @returns whether the program waits for an answer. @throws RuntimeFault */
export function answer(setUp: SetUp, heard: Heard): boolean {
  switch (heard.kind) {
    case Message.WantsHooks:
      moveNetDevices(setUp);
      runHooks(setUp);
      return true;
    case Message.Listener:
      takeListener(
        setUp.initPid,
        heard.first,
        setUp.prepared.bundle.config.linux!.seccomp!,
        stateOf(setUp, "creating", setUp.initPid),
      );
      return true;
    case Message.WantsCopy: {
      const { copyTree } = require("./copy-tree.ts") as typeof import("./copy-tree.ts");
      const owners = require("./as-container-root.ts") as typeof import("./as-container-root.ts");
      const [target, source] = heard.fds as [number, number];
      try {
        const { linux } = setUp.prepared.bundle.config;
        owners.asContainerRoot(linux, () => copyTree(source, target, (status) => owners.mappedOwner(linux, status)));
      } finally {
        for (const fd of heard.fds) close(fd);
      }
      return true;
    }
    case Message.WantsIdMapping: {
      const { mapShown } = require("./open-given.ts") as typeof import("./open-given.ts");
      mapShown(setUp, heard.first, heard.fds[0]!);
      return true;
    }
    default:
      // A hook's wait status: the failure that follows it is told with it.
      setUp.hookStatus = heard.first;
      return false;
  }
}

function stateOf(setUp: SetUp, status: HookState["status"], pid: number): HookState {
  const { bundle } = setUp.prepared;
  const { annotations } = bundle.config;
  return { ociVersion: specVersion, id: setUp.request.id, status, pid, bundle: bundle.directory, annotations };
}

/** Fills the inner hooks' standard input, now that init's pid is known. */
export function tellInnerHooks(setUp: SetUp): void {
  const { prepared, given } = setUp;
  const pidInside = prepared.namespaces.privatePid ? 1 : innermostPid(setUp.initPid);
  for (const { hook, stdin } of prepared.plan.innerHooks) {
    const state = stateOf(setUp, hook === "createContainer" ? "creating" : "created", pidInside);
    const bytes = utf8(goJson(state));
    // The hook reads from offset 0: the descriptor's own offset is shared with this one.
    syscallRetry(SYS.pwrite64, given.get(stdin)!, addressOf(bytes), bytes.length, 0);
  }
}

/** Before anything of the container's own runs: what init starts is in the group that it is in. */
export function enterResctrl({ prepared, initPid }: SetUp): void {
  const { enterGroup } = require("../resctrl/group.ts") as typeof import("../resctrl/group.ts");
  enterGroup(prepared.resctrl!, initPid);
}

/** Before the hooks, which may configure them further. */
function moveNetDevices(setUp: SetUp): void {
  const devices = setUp.prepared.bundle.config.linux?.netDevices ?? {};
  if (Object.keys(devices).length === 0) return;
  const { openDeviceMove, moveDevices } =
    require("../network/move-devices.ts") as typeof import("../network/move-devices.ts");
  setUp.deviceMove = openDeviceMove(setUp.initPid);
  moveDevices(setUp.deviceMove, devices);
}

/** Runs the hooks of the runtime's namespaces. */
function runHooks(setUp: SetUp): void {
  const { bundle } = setUp.prepared;
  const { hooks } = bundle.config;
  const state = stateOf(setUp, "creating", setUp.initPid);
  if (hooks?.prestart !== undefined) runHostHooks("prestart", hooks.prestart, state, bundle.directory);
  if (hooks?.createRuntime !== undefined) runHostHooks("createRuntime", hooks.createRuntime, state, bundle.directory);
}

/** A process's pid in its own pid namespace: the last number of NSpid in proc_pid_status(5). */
function innermostPid(pid: number): number {
  const status = readTextIfThere(`/proc/${pid}/status`) ?? "";
  const line = status.split("\n").find((candidate) => candidate.startsWith("NSpid:"));
  return Number(line?.split("\t").at(-1) ?? pid);
}

const SHOWN_BYTES = 65536;

/** How an inner hook ended and what it wrote: what a person wants to know of its failure. */
export function hookDetail(setUp: SetUp): string {
  const status = setUp.hookStatus;
  if (status === undefined) return "";
  const how = hookEnding(status);
  const output = setUp.given.get("hook-output");
  if (output === undefined) return how;
  const bytes = new Uint8Array(SHOWN_BYTES);
  const count = syscallRetry(SYS.pread64, output, addressOf(bytes), SHOWN_BYTES, 0);
  return count > 0 ? `${how}, output: ${text(bytes.subarray(0, count)).trimEnd()}` : how;
}
