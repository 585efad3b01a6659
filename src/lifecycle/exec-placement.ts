/** How an exec'ed process comes to be in the container's cgroup. */
import { exists } from "../../native-bindings/files.ts";
import { selfPlacement } from "../cgroups/place.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import type { ExecPlacement } from "../plan/exec-plan.ts";
import type { ContainerRecord } from "../state/container-record.ts";
import type { ExecRequest } from "./exec-request.ts";
import type { ExecTarget } from "./exec-target.ts";

/** A way to place it, and what it takes. */
export interface ChosenPlacement {
  readonly plan: ExecPlacement;
  /** Where it is to be: the container's own cgroup, or one below. */
  readonly cgroup: Pick<CgroupRecord, "mode" | "paths">;
  /** The cgroup2 directory that a process is born in. */
  readonly birthplace: string | undefined;
}

/** The fast way. @throws RuntimeFault for --cgroup with what is no cgroup of the container. */
export function firstPlacement(request: ExecRequest, { record }: ExecTarget): ChosenPlacement {
  let cgroup: ChosenPlacement["cgroup"] = record.cgroup ?? { mode: "v2", paths: {} };
  if (request.cgroups.length > 0) {
    const { subCgroup } = require("./sub-cgroup.ts") as typeof import("./sub-cgroup.ts");
    cgroup = subCgroup(cgroup, request.cgroups);
  }
  const birthplace = cgroup.paths[""];
  const files = ownMoves(cgroup, record.rootless);
  if (record.intel_rdt_path !== undefined) addResctrlMoves(record, files);
  return { cgroup, birthplace, plan: { intoCgroup: birthplace !== undefined, files, byRuntime: false } };
}

type Moves = ExecPlacement["files"][number][];

/** Without a right to the cgroups of its own a rootless container does without them. */
function ownMoves(cgroup: ChosenPlacement["cgroup"], rootless: boolean): Moves {
  const files: Moves = [];
  for (const { file, optional } of selfPlacement(cgroup)) files.push({ file, optional: optional || rootless });
  return files;
}

/** linux.intelRdt: into the groups that init is in, if they are there. 0 means whoever writes it, here too. */
function addResctrlMoves({ intel_rdt_path, intel_rdt_mon_path }: ContainerRecord, files: Moves): void {
  for (const group of [intel_rdt_path, intel_rdt_mon_path]) {
    if (group !== undefined && exists(group)) files.push({ file: `${group}/tasks`, optional: false });
  }
}
