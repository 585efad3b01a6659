import { exists } from "../../native-bindings/files.ts";
import { ownPid } from "../../native-bindings/libc.ts";
import type { CgroupPlan } from "../cgroups/plan.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import type { CompiledProgram } from "../plan/compile-program.ts";
import type { Step } from "../plan/step.ts";
import type { Execute } from "../plan/steps/executable.ts";
import type { InnerHook } from "../plan/steps/hook.ts";
import type { AfterStart, ContainerRecord } from "../state/container-record.ts";
import { startTimeOf } from "../state/process-identity.ts";
import type { CreateRequest } from "./create-request.ts";
import type { PreparedStart } from "./prepare-start.ts";
import { specVersion } from "./state.ts";

/** The record of a container that is being created: enough for `delete --force` after this process was killed. */
export function firstRecord(request: CreateRequest, prepared: PreparedStart): ContainerRecord {
  const { bundle, cgroup, namespaces, rootfs } = prepared;
  const { config } = bundle;
  const { poststart, poststop } = config.hooks ?? {};
  const planned: CgroupRecord = {
    driver: cgroup.driver,
    mode: cgroup.mode,
    paths: cgroup.paths,
    // systemd takes its slices away itself.
    made: cgroup.unit === undefined ? missingDirectories(cgroup) : [],
    unit: cgroup.unit && { name: cgroup.unit.name, user: cgroup.unit.user },
  };
  const creator = ownPid();
  return {
    id: request.id,
    ociVersion: specVersion,
    status: "creating",
    bundle: bundle.directory,
    rootfs,
    created: new Date().toISOString(),
    init_process_pid: 0,
    init_process_start: 0,
    creator_pid: creator,
    creator_start: startTimeOf(creator),
    annotations: config.annotations,
    rootless: prepared.rootless,
    cgroup: planned,
    hooks: poststart !== undefined || poststop !== undefined ? { poststart, poststop } : undefined,
    private_pid_namespace: namespaces.privatePid,
    no_new_keyring: request.noNewKeyring || undefined,
    host_mount: prepared.hostMount,
    intel_rdt_path: prepared.resctrl?.path,
    intel_rdt_mon_path: prepared.resctrl?.monitoring,
    intel_rdt_owned: prepared.resctrl?.owned,
  };
}

/** The directories that will have to be made, outermost first: a parent that is empty once the cgroup is gone goes too. */
function missingDirectories({ cgroupsPath, paths }: CgroupPlan): string[] {
  const missing: string[] = [];
  // Right below the root, or below where the runtime itself is, there are no parents to make.
  const mayLackParents = cgroupsPath !== undefined && cgroupsPath.indexOf("/", 1) > 0;
  for (const key in paths) {
    const path = paths[key]!;
    if (missing.includes(path)) continue;
    if (mayLackParents) addMissingParents(path, missing);
    missing.push(path);
  }
  return missing;
}

function addMissingParents(path: string, missing: string[]): void {
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent === "" || missing.includes(parent) || exists(parent)) return;
  addMissingParents(parent, missing);
  missing.push(parent);
}

/** The record of a container that waits for start. */
export function readyRecord(
  first: ContainerRecord,
  cgroup: CgroupRecord,
  pid: number,
  startTime: number,
  compiled: Pick<CompiledProgram, "steps" | "starts">,
): ContainerRecord {
  return {
    ...first,
    status: "ready",
    restoring: undefined,
    init_process_pid: pid,
    init_process_start: startTime,
    creator_pid: undefined,
    creator_start: undefined,
    cgroup,
    cgroup_paths: cgroup.paths,
    namespace_paths: namespacePaths(pid),
    after_start: afterStart(compiled),
  };
}

/** runc's names, which monitoring tools read. */
function namespacePaths(pid: number): Record<string, string> {
  return {
    NEWCGROUP: `/proc/${pid}/ns/cgroup`,
    NEWIPC: `/proc/${pid}/ns/ipc`,
    NEWNET: `/proc/${pid}/ns/net`,
    NEWNS: `/proc/${pid}/ns/mnt`,
    NEWPID: `/proc/${pid}/ns/pid`,
    NEWUTS: `/proc/${pid}/ns/uts`,
    NEWUSER: `/proc/${pid}/ns/user`,
  };
}

/**
 * What `start` needs to say what failed after it let init go: it is another process, without the plan. The operands that
 * say what a step is are kept, not what it works with (arguments, environment).
 */
function afterStart({ steps, starts }: Pick<CompiledProgram, "steps" | "starts">): AfterStart[] {
  const kept: AfterStart[] = [];
  let wait = steps.length;
  while (wait > 0 && steps[wait - 1]!.kind !== "wait-for-start") wait--;
  for (let index = wait; index < steps.length; index++) {
    const {
      kind,
      from,
      name,
      hook,
      index: place,
      timeoutSeconds,
    } = steps[index] as Step & Partial<InnerHook & Execute>;
    kept.push({ operation: starts[index]!, step: { kind, from, name, hook, index: place, timeoutSeconds } });
  }
  return kept;
}
