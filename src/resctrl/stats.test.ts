/** Over a tree of plain files with the kernel's formats. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { goJson } from "../report/go-json.ts";
import { readResctrlStats } from "./stats.ts";

const root = mkdtempSync(join(tmpdir(), "resctrl-"));
afterAll(() => rmSync(root, { recursive: true, force: true }));

function put(files: Readonly<Record<string, string>>): void {
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), `${content}\n`);
  }
}

test("all that the processor has is told in runc's shape", () => {
  put({
    schemata: "    MB:0=100;1=100\n    L3:0=7ff;1=7ff",
    "info/L3/cbm_mask": "7ff",
    "info/L3/min_cbm_bits": "2",
    "info/L3/num_closids": "16",
    "info/MB/bandwidth_gran": "10",
    "info/MB/delay_linear": "1",
    "info/MB/min_bandwidth": "10",
    "info/MB/num_closids": "8",
    "info/L3_MON/mon_features": "llc_occupancy\nmbm_total_bytes\nmbm_local_bytes",
    "box/schemata": "    MB:0= 20;1= 70\n    L3:0=00f;1=0f0",
    "box/mon_data/mon_L3_01/llc_occupancy": "32768",
    "box/mon_data/mon_L3_01/mbm_total_bytes": "9007199254740993",
    "box/mon_data/mon_L3_01/mbm_local_bytes": "Unavailable",
    "box/mon_data/mon_L3_00/llc_occupancy": "0",
    "box/mon_data/mon_L3_00/mbm_total_bytes": "1",
    "box/mon_data/mon_L3_00/mbm_local_bytes": "2",
  });
  const group = join(root, "box");
  expect(goJson(readResctrlStats(root, group, group))).toBe(
    '{"l3_cache_info":{"cbm_mask":"7ff","min_cbm_bits":2,"num_closids":16},' +
      '"l3_cache_schema_root":"L3:0=7ff;1=7ff","l3_cache_schema":"L3:0=00f;1=0f0",' +
      '"mem_bw_info":{"bandwidth_gran":10,"delay_linear":1,"min_bandwidth":10,"num_closids":8},' +
      '"mem_bw_schema_root":"MB:0=100;1=100","mem_bw_schema":"MB:0= 20;1= 70",' +
      '"schemata":["MB:0= 20;1= 70","    L3:0=00f;1=0f0"],' +
      '"mbm_stats":[{"mbm_total_bytes":1,"mbm_local_bytes":2},{"mbm_total_bytes":9007199254740993}],' +
      '"cmt_stats":[{"llc_occupancy":0},{"llc_occupancy":32768}]}',
  );
});

test("of a processor that has nothing of it, nothing is told", () => {
  const empty = mkdtempSync(join(root, "empty-"));
  expect(goJson(readResctrlStats(empty, empty, empty))).toBe("{}");
});
