import { CLONE_NEWCGROUP, CLONE_NEWUSER } from "../../native-bindings/constants.ts";
import type { Config } from "../bundle/config.ts";
import { placesItselfInInit, pushPlacement } from "./enter-stage.ts";
import type { StartPlanInput } from "./start-plan.ts";
import type { Step } from "./step.ts";
import type { SetCpuAffinity } from "./steps/cpu-affinity.ts";
import type { InnerHook } from "./steps/hook.ts";
import type { Domainname, Hostname, Sysctl } from "./steps/kernel-settings.ts";
import type { SessionKeyring } from "./steps/session-keyring.ts";
import type { RuntimeHooks } from "./steps/sync.ts";

const EVERYWHERE = { from: "" } as const;
const NONE = {};

/** In init: the container around it. */
export function buildStage(input: StartPlanInput, createHooks: readonly InnerHook[]): Step[] {
  const { config, namespaces, rootfs } = input;
  const steps: Step[] = [{ kind: "init-begin", ...EVERYWHERE }];
  if (hasLabel(config)) for (const step of securityLabels().openLabelSteps(config.process!)) steps.push(step);
  if (placesItselfInInit(namespaces, input.placement)) {
    pushPlacement(steps, input.placement);
    // After it: the namespace is rooted where the process is when it is made.
    if ((namespaces.cloned & CLONE_NEWCGROUP) !== 0)
      steps.push({ kind: "new-cgroup-namespace", from: "/linux/namespaces" });
  }
  // Once in its cgroup. The runtime's caller may be confined to some CPUs; the container has those of its cpuset.
  const affinity: SetCpuAffinity = { kind: "cpu-affinity", ...EVERYWHERE, which: "any", cpus: "" };
  steps.push(affinity);
  if (input.sessionKeyring) {
    const KEY_USR_SEARCH = 0x80000;
    const KEY_OTH_SEARCH = 0x8;
    const search = (namespaces.all & CLONE_NEWUSER) !== 0 ? KEY_OTH_SEARCH : KEY_USR_SEARCH;
    const label = config.process!.selinuxLabel || undefined;
    const step: SessionKeyring = { kind: "session-keyring", ...EVERYWHERE, name: `_ses.${input.id}`, search, label };
    steps.push(step);
  }
  if (namespaces.clonedNames.includes("network")) steps.push({ kind: "loopback", from: "/linux/namespaces" });
  for (const step of rootfs.early) steps.push(step);
  const { hooks } = config;
  const devices = Object.keys(config.linux?.netDevices ?? NONE);
  if (devices.length > 0 || hooks?.prestart?.length || hooks?.createRuntime?.length || createHooks.length > 0) {
    const from = devices.length > 0 ? "/linux/netDevices" : "/hooks";
    const step: RuntimeHooks = { kind: "runtime-hooks", from, devices };
    steps.push(step);
  }
  // After the runtime's hooks, which may bring network devices; before the root changes and with it /proc.
  for (const key in config.linux?.sysctl) steps.push(sysctlStep(key, config.linux.sysctl[key]!));
  for (const hook of createHooks) steps.push(hook);
  for (const step of rootfs.jail) steps.push(step);
  if (config.hostname) {
    const step: Hostname = { kind: "hostname", from: "/hostname", name: config.hostname };
    steps.push(step);
  }
  if (config.domainname) {
    const step: Domainname = { kind: "domainname", from: "/domainname", name: config.domainname };
    steps.push(step);
  }
  for (const step of rootfs.late) steps.push(step);
  return steps;
}

/** A key may be written with dots or with slashes: what comes first is the separator. sysctl.d(5). */
function sysctlStep(key: string, value: string): Sysctl {
  const dot = key.indexOf(".");
  const slash = key.indexOf("/");
  let path = "";
  const swap = slash < 0 || (dot >= 0 && dot < slash);
  for (const char of key) path += swap ? (char === "." ? "/" : char === "/" ? "." : char) : char;
  return {
    kind: "sysctl",
    from: `/linux/sysctl/${key.replaceAll("~", "~0").replaceAll("/", "~1")}`,
    key,
    path,
    value,
  };
}

/** True when the process is to have an AppArmor profile or a SELinux label. */
export function hasLabel({ process }: Config): boolean {
  return !!process!.apparmorProfile || !!process!.selinuxLabel;
}

/** The steps for labels: loaded for those that have one. */
export function securityLabels(): typeof import("./security-labels.ts") {
  return require("./security-labels.ts") as typeof import("./security-labels.ts");
}
