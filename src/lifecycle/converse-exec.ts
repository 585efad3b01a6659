/**
 * The conversation between the runtime and the program of an exec, over a SOCK_SEQPACKET pair.
 *
 *      runtime                                       program
 *                                                    enter: moves into the cgroups (v1)
 *        │ ◀───────────────────────────── Cloned pid  (cgroup2) and ends; what is born in the cgroup goes on
 *                                                    joins the namespaces
 *        │ ◀───────────────────────────── Cloned pid  and ends
 *        │ ── go ──────────────────────────────────▶ (only when it could not place itself)
 *        │ ◀───────────────────────────── Listener fd (seccomp notify)
 *        │ ── go ──────────────────────────────────▶
 *        │ ◀───────────────────────────── Ready
 *        │ ── go ──────────────────────────────────▶ (limits and the terminal are seen to, signals are forwarded)
 *        │ ◀───────────────────────────── end of file: execve
 */
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { oomKilled } from "../cgroups/oom.ts";
import { operationIndex } from "../plan/compile-program.ts";
import { Message } from "../program/layout.ts";
import { RuntimeFault } from "../report/fault.ts";
import { type Heard, hear, sayGo } from "./conversation.ts";
import { applyRlimits } from "./limits.ts";
import { reap } from "./reap.ts";
import type { ExecAttempt } from "./start-exec.ts";
import { specVersion } from "./state.ts";
import { forwardSignalsTo } from "./supervise.ts";

/** Hears the program out until it has become the user's. @throws RuntimeFault when it says that something failed, or dies. */
export function converseExec(attempt: ExecAttempt, sync: number): void {
  const { log } = attempt.request;
  let ready = false;
  let failure: Heard | undefined;
  // The new process runs beside the one that cloned it, and what it says may be here before its pid is.
  let early: Heard | undefined;
  for (;;) {
    const heard = hear(sync, false);
    switch (heard.kind) {
      case Message.Cloned:
        cloned(attempt, heard, sync);
        attempt.request.log.stage("in the container's cgroups or namespaces: cloned");
        if (early !== undefined) answer(attempt, early, sync);
        early = undefined;
        break;
      case Message.Ready:
        ready = true;
        if (attempt.pid === 0) early = heard;
        else answer(attempt, heard, sync);
        break;
      case Message.Listener:
        if (attempt.pid === 0) early = heard;
        else answer(attempt, heard, sync);
        break;
      case Message.Failed:
        // The processes that there are come to light before the end of file.
        failure = heard;
        break;
      default:
        if (failure !== undefined) throw failureOf(attempt, failure);
        // Without a pid: who made the process was killed before it could say so, and the process had no go.
        if (!ready || attempt.pid === 0) throw died(attempt);
        log.stage("the program runs (setns_init: about to exec)");
        return;
    }
  }
}

/** A process has made another one and ends. */
function cloned(attempt: ExecAttempt, { first, second }: Heard, sync: number): void {
  if (second === 1) {
    attempt.bornPid = first;
    reap(attempt.enterPid);
    attempt.enterPid = 0;
    return;
  }
  attempt.pid = first;
  if (attempt.request.log.debugging)
    attempt.request.log.stage(`process cloned, pid ${first} (child process in init())`);
  if (!attempt.request.detach) {
    attempt.pidfd = openPidfd(first);
    // Before the program runs: a signal that ended this process then would leave it behind.
    forwardSignalsTo(attempt.pidfd, attempt.console !== undefined);
  }
  // Not sooner: they have their ends to go through, and this process would only wait for them.
  reap(attempt.bornPid);
  attempt.bornPid = 0;
  reap(attempt.enterPid);
  attempt.enterPid = 0;
  if (!attempt.plan.awaitsPlacement) return;
  const { moveIntoCgroup } = require("./exec-fallback.ts") as typeof import("./exec-fallback.ts");
  moveIntoCgroup(attempt);
  sayGo(sync);
}

/** What the program waits for. */
function answer(attempt: ExecAttempt, heard: Heard, sync: number): void {
  if (heard.kind === Message.Listener) {
    handOver(attempt, heard.first);
  } else {
    applyRlimits(attempt.pid, attempt.prepared.rlimitsByRuntime);
    if (attempt.console !== undefined) attempt.console = receiveTerminal(attempt.console);
  }
  sayGo(sync);
}

function receiveTerminal(socket: number): number {
  return (require("../console/relay.ts") as typeof import("../console/relay.ts")).receiveTerminal(socket);
}

/** Of a child that has not been reaped. */
function openPidfd(pid: number): number {
  const pidfd = syscall(SYS.pidfd_open, pid, 0);
  if (pidfd < 0) throw new SystemError("pidfd_open", `${pid}`, -pidfd);
  return pidfd;
}

function handOver({ pid, target, prepared }: ExecAttempt, descriptor: number): void {
  const { takeListener } = require("./take-listener.ts") as typeof import("./take-listener.ts");
  const { id, init_process_pid, bundle, annotations } = target.record;
  const state = { ociVersion: specVersion, id, status: "running", pid: init_process_pid, bundle, annotations };
  takeListener(pid, descriptor, prepared.input.config.linux!.seccomp!, state);
}

function failureOf(attempt: ExecAttempt, { first, second }: Heard): RuntimeFault {
  const { compiled } = attempt;
  const step = compiled.steps[compiled.program.stepOf(operationIndex(first))];
  attempt.failed = { step: step?.kind ?? "", errno: -second };
  const { programFailure } = require("./program-failure.ts") as typeof import("./program-failure.ts");
  return programFailure(compiled, first, -second, "", "");
}

/** The program's end of the socket was closed and no failure was told: something killed it. */
function died(attempt: ExecAttempt): RuntimeFault {
  const status = reap(attempt.pid || attempt.bornPid || attempt.enterPid);
  if (attempt.pid !== 0) attempt.pid = 0;
  else if (attempt.bornPid !== 0) attempt.bornPid = 0;
  else attempt.enterPid = 0;
  const { cgroup } = attempt.target.record;
  const signal = status & 127;
  const how = signal === 0 ? `ended with status ${status >> 8}` : `was killed by signal ${signal}`;
  const killed = cgroup !== undefined && oomKilled(cgroup) ? " (possibly OOM-killed)" : "";
  return new RuntimeFault({
    what: `unable to start container process: the new process ${how} before it was ready${killed}`,
    hint: "look for the out-of-memory killer or a seccomp profile in the kernel's log",
  });
}
