import { exists } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import { changeSchemata } from "../resctrl/group.ts";
import { resctrlRoot } from "../resctrl/root.ts";
import type { ContainerRecord } from "../state/container-record.ts";

/** What a processor with resource control allots to a container, as lines of its `schemata`. */
export interface RequestedSchemas {
  readonly l3CacheSchema?: string;
  readonly memBwSchema?: string;
}

/**
 * The change of the container's resctrl group, still to be made; undefined when none is asked for.
 *
 * @param root where resctrl is mounted, if it is.
 * @throws RuntimeFault in runc's words, when the processor does not have the feature or the container has no group.
 */
export function schemaUpdate(
  record: ContainerRecord,
  asked: RequestedSchemas,
  root: string | undefined = isAsked(asked) ? resctrlRoot() : undefined,
): (() => void) | undefined {
  if (!isAsked(asked)) return undefined;
  const { l3CacheSchema, memBwSchema } = asked;
  const hint = root === undefined ? "no resctrl file system is mounted" : "this processor does not have it";
  if (l3CacheSchema !== undefined && !(root !== undefined && exists(`${root}/info/L3`))) {
    throw new RuntimeFault({ what: "Intel RDT/CAT: l3 cache schema is not enabled", where: "--l3-cache-schema", hint });
  }
  if (memBwSchema !== undefined && !(root !== undefined && exists(`${root}/info/MB`))) {
    throw new RuntimeFault({
      what: "Intel RDT/MBA: memory bandwidth schema is not enabled",
      where: "--mem-bw-schema",
      hint,
    });
  }
  const group = record.intel_rdt_path;
  if (group === undefined) {
    throw new RuntimeFault({
      what: "updating a non-existent Intel RDT configuration is not supported",
      hint: "the container was created without linux.intelRdt",
    });
  }
  return () => changeSchemata(root!, group, { l3CacheSchema, memBwSchema });
}

function isAsked({ l3CacheSchema, memBwSchema }: RequestedSchemas): boolean {
  return l3CacheSchema !== undefined || memBwSchema !== undefined;
}
