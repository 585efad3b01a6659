/** process: what the container's program is and runs as. config.md "Process". */
import { CAPABILITIES } from "../../native-bindings/constants.ts";
import type { Config, LinuxCapabilities, Process } from "../bundle/config.ts";
import type { Step } from "./step.ts";
import type { CapabilitySet, DropBounding, SetCapabilities } from "./steps/capabilities.ts";
import type { FindExecutable } from "./steps/executable.ts";
import type { BecomeUser } from "./steps/user.ts";
import type { ConfirmDirectory, EnterDirectory } from "./steps/working-directory.ts";

/** A set as bits. Names that are not known were warned about by the config's rules, and are left out. */
function capabilitySet(names: readonly string[] | undefined): CapabilitySet {
  let low = 0;
  let high = 0;
  for (const name of names ?? []) {
    const number = CAPABILITIES.indexOf(name);
    if (number < 0) continue;
    if (number < 32) low |= 1 << number;
    else high |= 1 << (number - 32);
  }
  return { low, high };
}

/** What planning the process needs to know of the host and of the container's files. */
export interface ProcessFacts {
  /** The home directory of the user by the container's /etc/passwd, where env has no HOME. */
  readonly home: string;
  /** Standard descriptors to hand to the user: not /dev/null, and not the user's already. */
  readonly ownedStdio: readonly number[];
  /** No setgroups(2): it is denied in the container's user namespace, or the caller's groups are asked for. */
  readonly groupsKept: boolean;
}

/**
 * The environment as the program gets it: the last of duplicates wins in the place of the first, HOME is there.
 *
 * Source: what runc does (prepareEnv), which images rely on.
 */
export function environment(process: Process, home: string): string[] {
  const { env = [] } = process;
  const places = new Map<string, number>();
  const result: string[] = [];
  for (const entry of env) {
    const name = entry.slice(0, entry.indexOf("="));
    const place = places.get(name);
    if (place === undefined) {
      places.set(name, result.length);
      result.push(entry);
    } else {
      result[place] = entry;
    }
  }
  const homeAt = places.get("HOME");
  if (homeAt === undefined) result.push(`HOME=${home}`);
  else if (result[homeAt] === "HOME=") result[homeAt] = `HOME=${home}`;
  return result;
}

/** True when the environment names no home directory, so that it must be looked up. */
export function needsHome(process: Process): boolean {
  const { env = [] } = process;
  for (let i = env.length - 1; i >= 0; i--) if (env[i]!.startsWith("HOME=")) return env[i] === "HOME=";
  return true;
}

/** The paths at which args[0] is looked for: itself when it has a slash, else one for each directory of PATH. */
export function executableCandidates(name: string, env: readonly string[]): string[] {
  if (name.includes("/")) return [name];
  let path = "";
  for (const entry of env) if (entry.startsWith("PATH=")) path = entry.slice(5);
  const candidates: string[] = [];
  if (path === "") return candidates;
  // An empty element means the working directory: execvp(3).
  for (const directory of path.split(":")) candidates.push(directory === "" ? `./${name}` : `${directory}/${name}`);
  return candidates;
}

/** From the working directory to the final capabilities, in the one order that works. */
export function planIdentity(config: Config, facts: ProcessFacts): Step[] {
  const process = config.process!;
  const { user, cwd } = process;
  const steps: Step[] = [];
  const enter: EnterDirectory = { kind: "enter-directory", from: "/process/cwd", path: cwd };
  steps.push(enter);
  const capabilities: LinuxCapabilities | undefined = process.capabilities;
  if (capabilities !== undefined) {
    const drop: DropBounding = {
      kind: "drop-bounding",
      from: "/process/capabilities/bounding",
      bounding: capabilitySet(capabilities.bounding),
    };
    steps.push(drop);
  }
  const become: BecomeUser = {
    kind: "become-user",
    from: "/process/user",
    uid: user?.uid ?? 0,
    gid: user?.gid ?? 0,
    groups: facts.groupsKept ? undefined : (user?.additionalGids ?? []),
    ownedStdio: facts.ownedStdio,
  };
  steps.push(become);
  const confirm: ConfirmDirectory = { kind: "confirm-directory", from: "/process/cwd", path: cwd };
  steps.push(confirm);
  if (capabilities !== undefined) {
    const set: SetCapabilities = {
      kind: "set-capabilities",
      from: "/process/capabilities",
      effective: capabilitySet(capabilities.effective),
      permitted: capabilitySet(capabilities.permitted),
      inheritable: capabilitySet(capabilities.inheritable),
      ambient: capabilitySet(capabilities.ambient),
    };
    steps.push(set);
  }
  return steps;
}

/** The look-up of args[0]. */
export function planLookup(process: Process, candidates: readonly string[]): FindExecutable {
  return { kind: "find-executable", from: "/process/args/0", name: process.args![0]!, candidates };
}
