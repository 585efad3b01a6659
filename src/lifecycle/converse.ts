/** The runtime's side of the conversation that conversation.ts draws. */
import { Message } from "../program/layout.ts";
import { RuntimeFault } from "../report/fault.ts";
import { stageReplacement } from "../state/container-record.ts";
import { writeCreatedConfig } from "../state/created-config.ts";
import { startTimeOf } from "../state/process-identity.ts";
import { type Heard, hear, sayGo } from "./conversation.ts";
import { writeIdMaps } from "./id-maps.ts";
import { letGo, needsNoWaiting, standBy } from "./let-go.ts";
import { programFailure } from "./program-failure.ts";
import { reap } from "./reap.ts";
import { readyRecord } from "./record.ts";
import { enterNeedsRoom, takeRoomBack } from "./room-for-enter.ts";
import type { SetUp } from "./set-up.ts";

/** Hears the program out until it is ready. @throws RuntimeFault when it says that something failed, or dies. */
export function converse(setUp: SetUp, sync: number): void {
  const { prepared, compiled } = setUp;
  const { config } = prepared.bundle;
  const { log } = setUp.request;
  let kernelText = "";
  // Init runs beside the process that cloned it, and what it says may be here before its pid is.
  let early: Heard | undefined;
  for (;;) {
    let heard = hear(sync, prepared.plan.sendsDescriptors);
    if (heard.kind === Message.Cloned) {
      setUp.initPid = heard.first;
      if (enterNeedsRoom(prepared)) {
        reapEnter(setUp);
        takeRoomBack(setUp);
      }
      if (setUp.startedBy !== "start") standBy(setUp);
      const isStaged = stageReadyRecord(setUp);
      // Not sooner: it has its end to go through, and this process would only wait for it.
      reapEnter(setUp);
      if (log.debugging) log.stage(`init cloned, pid ${setUp.initPid} (child process in init())`);
      if (prepared.resctrl !== undefined) rareAnswers().enterResctrl(setUp);
      if (prepared.plan.innerHooks.length > 0) rareAnswers().tellInnerHooks(setUp);
      if (isStaged && needsNoWaiting(setUp)) letGo(setUp, sync);
      if (early === undefined) continue;
      heard = early;
    } else if (setUp.initPid === 0 && isOfInit(heard.kind)) {
      // No more than one: it waits for an answer, or for start.
      early = heard;
      continue;
    }
    switch (heard.kind) {
      case Message.Ready:
        log.stage("init is ready: mounts, root, user, program found (init: closing the pipe to signal completion)");
        return;
      case Message.WantsMaps:
        writeIdMaps(setUp.enterPid, config.linux?.uidMappings ?? [], config.linux?.gidMappings ?? []);
        sayGo(sync);
        log.stage("id maps written");
        break;
      case Message.Failed:
        throw programFailure(compiled, heard.first, -heard.second, kernelText || hookDetail(setUp));
      case Message.KernelText:
        kernelText = heard.text;
        break;
      case undefined:
        throw died(setUp);
      default:
        if (rareAnswers().answer(setUp, heard)) sayGo(sync);
        if (log.debugging) log.stage(`answered init's ${Message[heard.kind]}`);
    }
  }
}

function reapEnter(setUp: SetUp): void {
  reap(setUp.enterPid);
  setUp.enterPid = 0;
}

/** Writes down the container as it will be when init is ready, while init is busy. @returns false when init is gone. */
function stageReadyRecord(setUp: SetUp): boolean {
  const startTime = startTimeOf(setUp.initPid);
  // End of file, or its last words, come next.
  if (startTime === undefined) return false;
  setUp.record = readyRecord(setUp.record, setUp.cgroup!, setUp.initPid, startTime, setUp.compiled);
  stageReplacement(setUp.request.root, setUp.record);
  writeCreatedConfig(setUp.directory, setUp.prepared.bundle.configText);
  return true;
}

/** What only init says, after which it blocks. */
function isOfInit(kind: Message | undefined): boolean {
  return (
    kind === Message.Ready ||
    kind === Message.WantsHooks ||
    kind === Message.WantsCopy ||
    kind === Message.WantsIdMapping ||
    kind === Message.Listener
  );
}

function rareAnswers(): typeof import("./rare-answers.ts") {
  return require("./rare-answers.ts") as typeof import("./rare-answers.ts");
}

function hookDetail(setUp: SetUp): string {
  if (setUp.hookStatus === undefined) return "";
  return rareAnswers().hookDetail(setUp);
}

/** The program's end of the socket was closed and no failure was told: something killed it. */
function died(setUp: SetUp): RuntimeFault {
  const status = reap(setUp.initPid || setUp.enterPid);
  const signal = status & 127;
  return new RuntimeFault({
    what:
      signal === 0
        ? `container init ended with status ${status >> 8} before it was ready`
        : `container init was killed by signal ${signal} before it was ready`,
    hint: "look for the out-of-memory killer or a seccomp profile in the kernel's log",
  });
}
