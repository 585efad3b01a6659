import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
} from "../../native-bindings/constants.ts";
import type { Config, LinuxNamespaceType } from "../bundle/config.ts";
import type { JoinedNamespace } from "./steps/join-namespaces.ts";

/** CLONE_NEW* of a namespace type as the specification names it. */
export function cloneFlag(type: LinuxNamespaceType): number {
  switch (type) {
    case "pid":
      return CLONE_NEWPID;
    case "network":
      return CLONE_NEWNET;
    case "mount":
      return CLONE_NEWNS;
    case "ipc":
      return CLONE_NEWIPC;
    case "uts":
      return CLONE_NEWUTS;
    case "user":
      return CLONE_NEWUSER;
    case "cgroup":
      return CLONE_NEWCGROUP;
    case "time":
      return CLONE_NEWTIME;
  }
}

/** What becomes of each namespace of the container: new, joined by path, or the runtime's own. */
export interface NamespacePlan {
  /** CLONE_NEW* of the new ones that clone3 makes: without user and time. */
  readonly cloned: number;
  readonly clonedNames: readonly string[];
  readonly joined: readonly JoinedNamespace[];
  readonly newUser: boolean;
  readonly newTime: boolean;
  /** CLONE_NEW* of all that are not the runtime's own. */
  readonly all: number;
  /** Listed without a path: init is its pid 1, and killing init kills all of the container. */
  readonly privatePid: boolean;
}

/** linux.namespaces, config-linux.md "Namespaces". */
export function planNamespaces(config: Config): NamespacePlan {
  const listed = config.linux?.namespaces ?? [];
  let cloned = 0;
  let all = 0;
  const clonedNames: string[] = [];
  const joined: JoinedNamespace[] = [];
  let newUser = false;
  let newTime = false;
  for (let index = 0; index < listed.length; index++) {
    const { type, path } = listed[index]!;
    const flag = cloneFlag(type);
    all |= flag;
    if (path) {
      joined.push({ type, flag, path, from: `/linux/namespaces/${index}/path` });
    } else if (type === "user") {
      newUser = true;
    } else if (type === "time") {
      newTime = true;
    } else {
      cloned |= flag;
      clonedNames.push(type);
    }
  }
  return { cloned, clonedNames, joined, newUser, newTime, all, privatePid: (cloned & CLONE_NEWPID) !== 0 };
}
