/** What becomes of an exec that did not work in the fast way. */
import { EAGAIN } from "../../native-bindings/errno.ts";
import { readTextIfThere, tryWriteExisting } from "../../native-bindings/files.ts";
import { hierarchyOf } from "../cgroups/paths.ts";
import { isOptional } from "../cgroups/record.ts";
import { readCgroupLayout } from "../host/cgroup-layout.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { isAlive } from "../state/process-identity.ts";
import type { ChosenPlacement } from "./exec-placement.ts";
import { stoppedContainer } from "./exec-target.ts";
import type { ExecAttempt } from "./start-exec.ts";

/**
 * The next way to place the process, where the kernel did not let it be born in the cgroup.
 *
 * @throws RuntimeFault what the attempt failed with, where there is none.
 */
export function afterFailure(attempt: ExecAttempt, error: unknown): ChosenPlacement {
  const { target, placement, failed } = attempt;
  const { record } = target;
  if (!isAlive(record.init_process_pid, record.init_process_start)) throw stoppedContainer();
  const next =
    failed?.step === "clone-process" || isMissingBirthplace(attempt, error) ? nextPlacement(attempt) : undefined;
  if (next === undefined) throw asFault(error, "unable to start container process");
  attempt.request.log.debug(
    `the process could not be born in ${placement.birthplace ?? "the cgroup"}: trying ${next.birthplace ?? "to move it there"}`,
  );
  return next;
}

/** The cgroup is gone: init moved to another one. Seen before anything was started. */
function isMissingBirthplace({ placement, enterPid, failed }: ExecAttempt, error: unknown): boolean {
  return (
    placement.birthplace !== undefined &&
    enterPid === 0 &&
    failed === undefined &&
    (error as Error).name === "SystemError"
  );
}

/**
 * On cgroup2 a cgroup with controllers for its children takes no processes; init, then, is in one of those, and so is what
 * joins it. Else, and where a limit of processes stands in the way of a birth, the runtime moves the process.
 */
function nextPlacement({ request, target, placement, failed }: ExecAttempt): ChosenPlacement | undefined {
  const { cgroup, plan } = placement;
  if (plan.byRuntime || Object.keys(cgroup.paths).length === 0) return undefined;
  const files = plan.files.filter(({ file }) => !isOfCgroup(file, cgroup));
  const moved = { cgroup, birthplace: undefined, plan: { intoCgroup: false, files, byRuntime: true } };
  if (cgroup.mode !== "v2" || request.cgroups.length > 0 || failed?.errno === EAGAIN) return moved;
  const directory = cgroupOfInit(target.record.init_process_pid);
  if (directory === undefined || directory === placement.birthplace) return moved;
  return { cgroup: { mode: "v2", paths: { "": directory } }, birthplace: directory, plan };
}

/** What is left for the process itself is the resctrl group, which has no limit of processes. */
function isOfCgroup(file: string, { paths }: ChosenPlacement["cgroup"]): boolean {
  return Object.values(paths).some((directory) => file === `${directory}/tasks`);
}

function cgroupOfInit(pid: number): string | undefined {
  const line = (readTextIfThere(`/proc/${pid}/cgroup`) ?? "").split("\n").find((one) => one.startsWith("0::"));
  const mount = hierarchyOf(readCgroupLayout(), "")?.mountPoint;
  return line === undefined || mount === undefined ? undefined : `${mount}${line.slice(3)}`;
}

/** Moves the process, as another one: into every hierarchy, whatever limits of processes they have. @throws RuntimeFault */
export function moveIntoCgroup({ pid, placement, target }: ExecAttempt): void {
  const { mode, paths } = placement.cgroup;
  const done: string[] = [];
  for (const key of Object.keys(paths)) {
    const directory = paths[key]!;
    if (done.includes(directory)) continue;
    done.push(directory);
    const result = tryWriteExisting(`${directory}/cgroup.procs`, `${pid}`);
    const record = target.record.cgroup;
    if (result < 0 && record?.unit !== undefined) {
      (require("../cgroups/systemd/tend-unit.ts") as typeof import("../cgroups/systemd/tend-unit.ts")).attachToUnit(
        record,
        pid,
      );
      return;
    }
    if (result === 0 || target.record.rootless || (mode !== "v2" && isOptional(key))) continue;
    throw new RuntimeFault({
      what: `unable to start container process: error adding pid ${pid} to cgroups`,
      where: `${directory}/cgroup.procs`,
      errno: -result,
    });
  }
}
