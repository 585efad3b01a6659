/** From a plan to a process that runs in the container; or to nothing at all, if anything fails. */
import { SOCK_SEQPACKET, SOCK_STREAM } from "../../native-bindings/constants.ts";
import { close, O_DIRECTORY, O_PATH, open } from "../../native-bindings/files.ts";
import { socketPair } from "../../native-bindings/unix-socket.ts";
import { type CompiledProgram, compileProgram } from "../plan/compile-program.ts";
import { type ExecPlan, planExec } from "../plan/exec-plan.ts";
import { execKindOf } from "../plan/exec-step-kinds.ts";
import { limitSilence } from "./conversation.ts";
import { converseExec } from "./converse-exec.ts";
import type { ChosenPlacement } from "./exec-placement.ts";
import type { ExecRequest } from "./exec-request.ts";
import { socketPath } from "./exec-socket-path.ts";
import type { ExecTarget } from "./exec-target.ts";
import type { PreparedExec } from "./prepare-exec.ts";
import { killAndReap } from "./reap.ts";
import { spawnProgram } from "./spawn-program.ts";

/** A process that runs the user's program. */
export interface StartedExec {
  readonly pid: number;
  /** Of that process, when this command stays with it; -1 otherwise. */
  readonly pidfd: number;
  /** The master of its terminal, when it is this command that shows it. */
  readonly console: number | undefined;
}

/** An exec under way: what must be undone if it fails. */
export interface ExecAttempt {
  readonly request: ExecRequest;
  readonly target: ExecTarget;
  readonly prepared: PreparedExec;
  readonly placement: ChosenPlacement;
  readonly plan: ExecPlan;
  readonly compiled: CompiledProgram;
  /** The process that was spawned, and the one that it made on the way into the cgroup. 0 once they are reaped. */
  enterPid: number;
  bornPid: number;
  /** The container's. 0 while there is none. */
  pid: number;
  pidfd: number;
  /** This process's end of the socket that the terminal's master comes through, then the master. */
  console: number | undefined;
  /** The step that the program failed at, and why: an errno. */
  failed: { readonly step: string; readonly errno: number } | undefined;
}

/**
 * Starts the process: in the fast way, and where the kernel refuses that, in others.
 *
 * @throws RuntimeFault; then no process is left.
 */
export function startExec(
  request: ExecRequest,
  target: ExecTarget,
  prepared: PreparedExec,
  first: ChosenPlacement,
): StartedExec {
  const console = prepared.input.config.process!.terminal ? openConsole(request, target) : undefined;
  try {
    for (let placement = first; ; ) {
      const attempt = planAttempt(request, target, prepared, placement, console?.ours);
      try {
        carryOut(attempt, console?.programs);
        return attempt;
      } catch (error) {
        const { afterFailure } = require("./exec-fallback.ts") as typeof import("./exec-fallback.ts");
        placement = afterFailure(attempt, error);
      }
    }
  } finally {
    if (console !== undefined) close(console.programs);
  }
}

function planAttempt(
  request: ExecRequest,
  target: ExecTarget,
  prepared: PreparedExec,
  placement: ChosenPlacement,
  console: number | undefined,
): ExecAttempt {
  const plan = planExec({ ...prepared.input, placement: placement.plan });
  const compiled = compileProgram(plan, execKindOf);
  const nobody = { enterPid: 0, bornPid: 0, pid: 0, pidfd: -1 };
  return { request, target, prepared, placement, plan, compiled, ...nobody, console, failed: undefined };
}

/** @throws RuntimeFault when the program says that something failed, or dies; then its processes are gone. */
function carryOut(attempt: ExecAttempt, console: number | undefined): void {
  const [sync, programsEnd] = socketPair(SOCK_SEQPACKET);
  try {
    try {
      spawn(attempt, programsEnd, console);
    } finally {
      // Only the program may hold its end, or its death would not be noticed.
      close(programsEnd);
    }
    // In a paused container the program waits for as long as that is.
    if (!attempt.target.paused) limitSilence(sync);
    converseExec(attempt, sync);
  } catch (error) {
    killAndReap(attempt.enterPid);
    killAndReap(attempt.bornPid);
    killAndReap(attempt.pid);
    throw error;
  } finally {
    close(sync);
  }
}

function spawn(attempt: ExecAttempt, sync: number, console: number | undefined): void {
  const { plan, compiled, placement, target, request } = attempt;
  const opened: number[] = [];
  const descriptors: number[] = [];
  try {
    for (const name of plan.given) {
      if (name === "sync") descriptors.push(sync);
      else if (name === "console") descriptors.push(console!);
      else if (name === "init") descriptors.push(target.pidfd);
      else {
        const path = name === "cgroup" ? placement.birthplace! : `/proc/${target.record.init_process_pid}/root`;
        opened.push(open(path, O_PATH | O_DIRECTORY));
        descriptors.push(opened[opened.length - 1]!);
      }
    }
    attempt.enterPid = spawnProgram({
      program: compiled.program,
      firstOwn: 3 + request.preserveFds,
      descriptors,
      sources: compiled.sources,
      stateDirectory: target.directory,
    });
    if (request.log.debugging) tellSpawned(attempt);
  } finally {
    for (const fd of opened) close(fd);
  }
}

/** In words that those who look through runc's log for the stages of an exec find. */
function tellSpawned({ request: { log }, enterPid, prepared }: ExecAttempt): void {
  log.stage(`enter spawned, pid ${enterPid} (nsexec container setup)`);
  const initial = prepared.input.config.process!.execCPUAffinity?.initial;
  if (!initial) return;
  const { cpuMask } = require("../plan/steps/cpu-affinity.ts") as typeof import("../plan/steps/cpu-affinity.ts");
  const mask = BigInt(`0x${Buffer.from(cpuMask(initial)).reverse().toString("hex")}`);
  log.debug(`nsexec[${enterPid}]: affinity: 0x${mask.toString(16)}`);
}

/** The socket that the console's master is sent through: the caller's, or one of our own. */
function openConsole(request: ExecRequest, { record }: ExecTarget): { programs: number; ours: number | undefined } {
  if (request.consoleSocket === undefined) {
    const [ours, programs] = socketPair(SOCK_STREAM);
    return { programs, ours };
  }
  const { connectConsole } = require("./connect-console.ts") as typeof import("./connect-console.ts");
  return { programs: connectConsole(socketPath(request, request.consoleSocket, record.bundle)), ours: undefined };
}
