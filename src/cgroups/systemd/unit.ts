/** Names: which unit of systemd is a container's, and where its cgroup is. systemd.unit(5), systemd.slice(5). */
import { RuntimeFault } from "../../report/fault.ts";

const POINTER = "/linux/cgroupsPath";

export interface UnitName {
  /** Such as "runc-web1.scope", or a slice. */
  readonly name: string;
  /** The slice that it is in. */
  readonly slice: string;
  /** What systemctl shows. */
  readonly description: string;
}

/**
 * The unit that `linux.cgroupsPath` names, "slice:prefix:name", as runc reads it: without a slice, in system.slice, or the
 * user's; without a path, "runc" and the id.
 *
 * @throws RuntimeFault when it is not three parts, or a part can't be in a unit's name.
 */
export function unitName(cgroupsPath: string | undefined, id: string, user: boolean): UnitName {
  const [slice, prefix, name] = parts(cgroupsPath || `:runc:${id}`);
  for (const part of [prefix, name]) {
    if (part.includes("/") || /[\n\0]/.test(part)) {
      throw new RuntimeFault({
        what: "cgroupsPath names no unit that systemd could have",
        where: POINTER,
        value: cgroupsPath,
        hint: "a unit's name has no slash: give slice:prefix:name",
      });
    }
  }
  return {
    name: name.endsWith(".slice") ? name : `${prefix}-${name}.scope`,
    slice: slice || (user ? "user.slice" : "system.slice"),
    description: `libcontainer container ${name}`,
  };
}

function parts(path: string): readonly [string, string, string] {
  const [slice, prefix, name, more] = path.split(":");
  if (name !== undefined && more === undefined) return [slice!, prefix!, name];
  throw new RuntimeFault({
    what: `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${path}" instead`,
    where: POINTER,
    value: path,
    hint: "leave --systemd-cgroup out to name a directory",
  });
}

/** Where a slice is in the tree: "a-b.slice" → "/a.slice/a-b.slice"; "-.slice", the root → "". @throws RuntimeFault */
export function slicePath(slice: string): string {
  const stem = slice.endsWith(".slice") ? slice.slice(0, -".slice".length) : "";
  if (stem === "-") return "";
  const components = stem.split("-");
  if (slice.includes("/") || components.includes("")) {
    throw new RuntimeFault({ what: `invalid slice name: ${slice}`, where: POINTER, value: slice });
  }
  let path = "";
  let name = "";
  for (const component of components) {
    name = name === "" ? component : `${name}-${component}`;
    path += `/${name}.slice`;
  }
  return path;
}
