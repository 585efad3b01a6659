import type { Config } from "../bundle/config.ts";
import { validateText } from "../bundle/validate.ts";
import type { BindSource, MountFacts } from "./mount-facts.ts";
import { planMounts } from "./mounts.ts";
import { planNamespaces } from "./namespaces.ts";
import { NO_FACTS } from "./run-rootfs-for-test.ts";
import { planStart, type StartPlan, type StartPlanInput } from "./start-plan.ts";

/** What a start depends on beside its config, where it is not what most containers have. */
export interface Circumstances extends Partial<Omit<StartPlanInput, "config" | "namespaces" | "rootfs" | "id">> {
  readonly facts?: Partial<MountFacts>;
  readonly noPivot?: boolean;
}

/** A root file system that is nowhere: planning asks the host for nothing. */
const ROOTFS = "/bundle/rootfs";

function bindSource(path: string): BindSource {
  return { path, directory: !path.endsWith(".conf"), inside: undefined, procfs: false, resolvedDestination: undefined };
}

/** The plan of a start with facts that are the same on every machine. For tests. @throws Error for an invalid config. */
export function plannedStart(document: object, circumstances: Circumstances = {}): StartPlan {
  const { value, faults } = validateText(JSON.stringify(document));
  if (value === undefined) throw new Error(`the test's config is invalid: ${JSON.stringify(faults)}`);
  const config: Config = value;
  const namespaces = planNamespaces(config);
  const { facts, noPivot = false, ...rest } = circumstances;
  const sources = (config.mounts ?? []).map(({ options, source }) =>
    options?.includes("bind") || options?.includes("rbind") ? bindSource(source!) : undefined,
  );
  return planStart({
    id: "box",
    config,
    namespaces,
    rootfs: planMounts({
      config,
      rootfs: ROOTFS,
      namespaces,
      facts: { ...NO_FACTS, sources, ...facts },
      noPivot,
    }),
    process: { home: "/root", ownedStdio: config.process!.terminal ? [] : [0, 1, 2], groupsKept: false },
    startBy: "fifo",
    sessionKeyring: true,
    placement: { intoCgroup: false, files: [] },
    filter: undefined,
    rlimits: config.process!.rlimits ?? [],
    callersOpenFiles: undefined,
    rootless: false,
    preservedDescriptors: 0,
    ...rest,
  });
}
