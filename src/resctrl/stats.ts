import { exists, readTextIfThere, tryReadDirectory } from "../../native-bindings/files.ts";

/**
 * What resource control allots to a container and what it has used, in the shape that `events` prints: runc's names and
 * order. What the processor does not have is left out.
 *
 * @see https://github.com/opencontainers/runc/blob/main/types/events.go
 */
export interface ResctrlStats {
  readonly l3_cache_info?: object;
  /** "L3:0=7ff;1=7ff" of all that there is, and of the container. */
  readonly l3_cache_schema_root?: string;
  readonly l3_cache_schema?: string;
  readonly mem_bw_info?: object;
  readonly mem_bw_schema_root?: string;
  readonly mem_bw_schema?: string;
  /** All lines. */
  readonly schemata?: readonly string[];
  /** One for each domain: bytes. */
  readonly mbm_stats?: readonly object[];
  readonly cmt_stats?: readonly object[];
}

/**
 * @param root where resctrl is mounted.
 * @param group the container's group.
 * @param monitoring where it is counted: a monitoring group, or that group.
 * @see the kernel's Documentation/filesystems/resctrl.rst
 */
export function readResctrlStats(root: string, group: string, monitoring: string): ResctrlStats {
  const all = linesIn(`${root}/schemata`);
  const schemata = linesIn(`${group}/schemata`);
  const [hasCache, hasBandwidth] = [exists(`${root}/info/L3`), exists(`${root}/info/MB`)];
  const features = linesIn(`${root}/info/L3_MON/mon_features`);
  const measured = (name: string) => features.includes(name);
  const domains = domainsOf(`${monitoring}/mon_data`);
  return {
    l3_cache_info: hasCache ? cacheInfo(`${root}/info/L3`) : undefined,
    l3_cache_schema_root: hasCache ? lineWith("L3", all) : undefined,
    l3_cache_schema: hasCache ? lineWith("L3", schemata) : undefined,
    mem_bw_info: hasBandwidth ? bandwidthInfo(`${root}/info/MB`) : undefined,
    mem_bw_schema_root: hasBandwidth ? lineWith("MB", all) : undefined,
    mem_bw_schema: hasBandwidth ? lineWith("MB", schemata) : undefined,
    schemata: schemata.length === 0 ? undefined : schemata,
    mbm_stats:
      measured("mbm_total_bytes") || measured("mbm_local_bytes")
        ? domains.map((domain) => ({
            mbm_total_bytes: measured("mbm_total_bytes") ? numberIn(`${domain}/mbm_total_bytes`) : 0n,
            mbm_local_bytes: measured("mbm_local_bytes") ? numberIn(`${domain}/mbm_local_bytes`) : 0n,
          }))
        : undefined,
    cmt_stats: measured("llc_occupancy")
      ? domains.map((domain) => ({ llc_occupancy: numberIn(`${domain}/llc_occupancy`) }))
      : undefined,
  };
}

function cacheInfo(directory: string): object {
  return {
    cbm_mask: readTextIfThere(`${directory}/cbm_mask`)?.trim() || undefined,
    min_cbm_bits: numberIn(`${directory}/min_cbm_bits`) || undefined,
    num_closids: numberIn(`${directory}/num_closids`) || undefined,
  };
}

function bandwidthInfo(directory: string): object {
  return {
    bandwidth_gran: numberIn(`${directory}/bandwidth_gran`) || undefined,
    delay_linear: numberIn(`${directory}/delay_linear`) || undefined,
    min_bandwidth: numberIn(`${directory}/min_bandwidth`) || undefined,
    num_closids: numberIn(`${directory}/num_closids`) || undefined,
  };
}

function linesIn(path: string): string[] {
  const content = readTextIfThere(path)?.trim();
  return content ? content.split("\n") : [];
}

function lineWith(resource: string, lines: readonly string[]): string | undefined {
  return lines.findLast((line) => line.includes(resource))?.trim();
}

/** Undefined where the kernel says "Unavailable" or "Error". */
function numberIn(path: string): bigint | undefined {
  const content = readTextIfThere(path)?.trim() ?? "";
  return /^\d+$/.test(content) ? BigInt(content) : undefined;
}

const DT_DIR = 4;

/** "mon_L3_00" ..., in the order of their names. */
function domainsOf(directory: string): string[] {
  const entries = tryReadDirectory(directory);
  if (typeof entries === "number") return [];
  const names = entries.filter(({ type }) => type === DT_DIR).map(({ name }) => name);
  return names.sort().map((name) => `${directory}/${name}`);
}
