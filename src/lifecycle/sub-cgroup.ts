import { exists } from "../../native-bindings/files.ts";
import { isOptional } from "../cgroups/record.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { ChosenPlacement } from "./exec-placement.ts";

type Cgroup = ChosenPlacement["cgroup"];

/**
 * --cgroup: a cgroup below the container's own, in all hierarchies ("path") or in some ("controller[,controller]:path").
 *
 * @throws RuntimeFault in runc's words for a path that leads out, a controller that is not there, a cgroup that does not exist.
 */
export function subCgroup(cgroup: Cgroup, args: readonly string[]): Cgroup {
  const asked = askedPaths(args);
  if (Object.keys(cgroup.paths).length === 0) throw wrong("the container has no cgroup of its own", args.join(" "));
  const paths: Record<string, string> = {};
  for (const key of asked.keys()) {
    if (key !== "" && cgroup.paths[key] === undefined) throw wrong(`unknown controller ${key} in SubCgroupPaths`, key);
  }
  const everywhere = asked.get("");
  for (const [key, own] of Object.entries(cgroup.paths)) {
    // Of controllers that are mounted together, what is asked for one counts for all: there is one directory.
    const sub = everywhere ?? askedOfHierarchy(asked, cgroup, own);
    const path = sub === undefined ? own : below(own, sub);
    paths[key] = path === own || exists(path) || !isOptional(key) || cgroup.mode === "v2" ? path : own;
    if (paths[key] === own || exists(path)) continue;
    throw new RuntimeFault({
      what: `error adding pid to cgroups: no cgroup ${sub}`,
      where: "--cgroup",
      value: path,
      errno: 2,
    });
  }
  return { mode: cgroup.mode, paths };
}

function askedOfHierarchy(asked: ReadonlyMap<string, string>, cgroup: Cgroup, directory: string): string | undefined {
  for (const [key, sub] of asked) if (cgroup.paths[key] === directory) return sub;
  return undefined;
}

/** Controller → path; "" for all. */
function askedPaths(args: readonly string[]): Map<string, string> {
  const asked = new Map<string, string>();
  for (const arg of args) {
    const colon = arg.indexOf(":");
    if (colon < 0) {
      if (args.length > 1) throw wrong(`invalid --cgroup argument: ${arg} (missing <controller>: prefix)`, arg);
      asked.set("", arg);
      continue;
    }
    for (const controller of arg.slice(0, colon).split(",")) {
      if (controller === "") throw wrong(`invalid --cgroup argument: ${arg} (empty <controller> prefix)`, arg);
      if (asked.has(controller)) {
        throw wrong(`invalid --cgroup argument(s): controller ${controller} specified multiple times`, arg);
      }
      asked.set(controller, arg.slice(colon + 1));
    }
  }
  return asked;
}

/** Component by component: neither a sibling whose name begins alike nor anything above is below. */
function below(own: string, sub: string): string {
  const kept: string[] = [];
  for (const part of sub.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") kept.push(part);
    else if (kept.pop() === undefined) throw wrong(`bad sub cgroup path: ${sub}`, sub);
  }
  return kept.length === 0 ? own : `${own}/${kept.join("/")}`;
}

function wrong(what: string, value: string): RuntimeFault {
  return new RuntimeFault({ what, where: "--cgroup", value });
}
