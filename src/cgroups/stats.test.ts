import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { goJson } from "../report/go-json.ts";
import type { CgroupRecord } from "./record.ts";
import { readStats } from "./stats.ts";
import { oomKills } from "./watch-oom.ts";

const made: string[] = [];
afterAll(() => {
  for (const directory of made) rmSync(directory, { recursive: true });
});

/** A directory with the files that the kernel would have there. */
function cgroup(files: Readonly<Record<string, string>>): string {
  const directory = mkdtempSync(join(tmpdir(), "runts-stats-"));
  made.push(directory);
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), `${content}\n`);
  }
  return directory;
}

/** The stats as `events` prints them. */
function printed(mode: CgroupRecord["mode"], paths: Record<string, string>): string {
  return goJson(readStats({ driver: "cgroupfs", mode, paths, made: [] }));
}

const cpusetZeros =
  '"cpu_exclusive":0,"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,"memory_spread_page":0,' +
  '"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":0,"sched_relax_domain_level":0';
const rest = '"hugetlb":{},"intel_rdt":{},"network_interfaces":null}';

describe("v2", () => {
  const v2 = (files: Readonly<Record<string, string>>) => printed("v2", { "": cgroup(files) });
  const pressure = (some: string) =>
    `some avg10=${some} avg60=0.00 avg300=0.07 total=18446744073709551615\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=12`;
  const psi = (some: number) =>
    `"psi":{"some":{"avg10":${some},"avg60":0,"avg300":0.07,"total":18446744073709551615},` +
    '"full":{"avg10":0,"avg60":0,"avg300":0,"total":12}}';

  test("all that the kernel counts is printed, 64-bit numbers exactly", () => {
    const told = v2({
      "cpu.stat":
        "usage_usec 9007199254740993\nuser_usec 5\nsystem_usec 6\ncore_sched.force_idle_usec 0\nnr_periods 3\nnr_throttled 2\nthrottled_usec 7\nnr_bursts 0\nburst_usec 0",
      "cpu.pressure": pressure("12.50"),
      "memory.stat": "anon 8192\nfile 4096\nkernel 100\nsock 0",
      "memory.current": "20480",
      "memory.max": "67108864",
      "memory.peak": "30000",
      "memory.swap.current": "1000",
      "memory.swap.max": "33554432",
      "memory.pressure": pressure("0.00"),
      "pids.current": "3",
      "pids.max": "50",
      "io.stat":
        "8:16 rbytes=1459200 wbytes=314773504 rios=192 wios=353 dbytes=0 dios=0\n253:0 \n8:0 rbytes=0 wbytes=9223372036854775807 rios=0 wios=1",
      "io.pressure": pressure("1.00"),
    });
    expect(told).toBe(
      '{"cpu":{"usage":{"total":9007199254740993000,"kernel":6000,"user":5000},' +
        `"throttling":{"periods":3,"throttledPeriods":2,"throttledTime":7000},${psi(12.5)}},"cpuset":{${cpusetZeros}},` +
        '"memory":{"cache":4096,"usage":{"limit":67108864,"usage":20480,"max":30000,"failcnt":0},' +
        '"swap":{"limit":100663296,"usage":21480,"failcnt":0},' +
        `"raw":{"anon":8192,"file":4096,"kernel":100,"sock":0},${psi(0)}},` +
        '"pids":{"current":3,"limit":50},"blkio":{"ioServiceBytesRecursive":[' +
        '{"major":8,"minor":16,"op":"Read","value":1459200},{"major":8,"minor":16,"op":"Write","value":314773504},' +
        '{"major":8,"op":"Read"},{"major":8,"op":"Write","value":9223372036854775807}],"ioServicedRecursive":[' +
        '{"major":8,"minor":16,"op":"Read","value":192},{"major":8,"minor":16,"op":"Write","value":353},' +
        `{"major":8,"op":"Read"},{"major":8,"op":"Write","value":1}],${psi(1)}},${rest}`,
    );
  });

  test("without limits, controllers and pressure little is left", () => {
    const told = v2({ "cpu.stat": "usage_usec 0\nuser_usec 0\nsystem_usec 0", "cgroup.procs": "7\n8" });
    expect(told).toBe(`{"cpu":{},"cpuset":{${cpusetZeros}},"memory":{},"pids":{"current":2},"blkio":{},${rest}`);
  });

  test("unlimited memory and swap are unlimited together", () => {
    const swapOf = (memoryMax: string, swapMax: string) =>
      JSON.parse(
        v2({
          "memory.stat": "file 0",
          "memory.current": "1",
          "memory.max": memoryMax,
          "memory.swap.current": "0",
          "memory.swap.max": swapMax,
        }).replaceAll("18446744073709551615", '"unlimited"'),
      ).memory.swap.limit;
    expect([swapOf("max", "max"), swapOf("max", "4096"), swapOf("4096", "max"), swapOf("4096", "0")]).toEqual([
      "unlimited",
      "unlimited",
      "unlimited",
      4096,
    ]);
  });

  test("a cgroup that has gone counts nothing", () => {
    expect(printed("v2", { "": "/nowhere" })).toBe(
      `{"cpu":{},"cpuset":{${cpusetZeros}},"memory":{},"pids":{},"blkio":{},${rest}`,
    );
  });
});

describe("v1", () => {
  test("all that the kernel counts is printed, 64-bit numbers exactly", () => {
    const memory = (kind: string, [limit, usage, max, failcnt]: readonly (string | number)[]) => ({
      [`${kind}.limit_in_bytes`]: `${limit}`,
      [`${kind}.usage_in_bytes`]: `${usage}`,
      [`${kind}.max_usage_in_bytes`]: `${max}`,
      [`${kind}.failcnt`]: `${failcnt}`,
    });
    const paths = {
      cpu: cgroup({ "cpu.stat": "nr_periods 3\nnr_throttled 2\nthrottled_time 7\nnr_bursts 0" }),
      cpuacct: cgroup({
        "cpuacct.stat": "user 5\nsystem 6",
        "cpuacct.usage": "9007199254740993",
        "cpuacct.usage_percpu": "11 0 ",
        "cpuacct.usage_all": "cpu user system\n0 4 7\n1 0 9007199254740993",
      }),
      cpuset: cgroup({
        "cpuset.cpus": "0-2,7",
        "cpuset.mems": "0",
        "cpuset.cpu_exclusive": "1",
        "cpuset.sched_load_balance": "1",
        "cpuset.sched_relax_domain_level": "-1",
      }),
      memory: cgroup({
        "memory.stat": "cache 4096\nrss 8192\ntotal_rss -1\nnonsense",
        ...memory("memory", ["9223372036854771712", 5, 6, 7]),
        ...memory("memory.memsw", ["67108864", 8, 9, 0]),
        ...memory("memory.kmem.tcp", [0, 0, 0, 0]),
      }),
      pids: cgroup({ "pids.current": "3", "pids.max": "max" }),
      blkio: cgroup({
        "blkio.bfq.io_serviced_recursive": "Total 0",
        "blkio.throttle.io_serviced_recursive": "8:0 Read 12\n8:0 Total 12\nTotal 12",
        "blkio.throttle.io_service_bytes_recursive": "8:0 Read 9223372036854775807\n8:0 Total 5\nTotal 5",
      }),
    };
    expect(printed("hybrid", paths)).toBe(
      '{"cpu":{"usage":{"total":9007199254740993,"percpu":[11,0],"percpu_kernel":[7,9007199254740993],' +
        '"percpu_user":[4,0],"kernel":60000000,"user":50000000},' +
        '"throttling":{"periods":3,"throttledPeriods":2,"throttledTime":7}},' +
        '"cpuset":{"cpus":[0,1,2,7],"cpu_exclusive":1,"mems":[0],"mem_hardwall":0,"mem_exclusive":0,"memory_migrate":0,' +
        '"memory_spread_page":0,"memory_spread_slab":0,"memory_pressure":0,"sched_load_balance":1,' +
        '"sched_relax_domain_level":-1},' +
        '"memory":{"cache":4096,"usage":{"limit":9223372036854771712,"usage":5,"max":6,"failcnt":7},' +
        '"swap":{"limit":67108864,"usage":8,"max":9,"failcnt":0},"raw":{"cache":4096,"rss":8192,"total_rss":0}},' +
        '"pids":{"current":3},"blkio":{"ioServiceBytesRecursive":[' +
        '{"major":8,"op":"Read","value":9223372036854775807},{"major":8,"op":"Total","value":5}],' +
        '"ioServicedRecursive":[{"major":8,"op":"Read","value":12},{"major":8,"op":"Total","value":12}]},' +
        rest,
    );
  });

  test("the first I/O scheduler that counts something is asked", () => {
    const blkio = (files: Readonly<Record<string, string>>) =>
      JSON.parse(printed("v1", { blkio: cgroup(files) })).blkio as Record<string, unknown>;
    const [serviced, bytes] = ["8:0 Read 1\nTotal 1", "8:0 Read 2\nTotal 2"];
    const throttle = { "blkio.throttle.io_serviced": serviced, "blkio.throttle.io_service_bytes": bytes };
    const both = (serviced: number, bytes: number) => ({
      ioServiceBytesRecursive: [{ major: 8, op: "Read", value: bytes }],
      ioServicedRecursive: [{ major: 8, op: "Read", value: serviced }],
    });
    expect(blkio(throttle)).toEqual(both(1, 2));
    const bfq = {
      "blkio.bfq.io_serviced_recursive": "8:0 Read 3",
      "blkio.bfq.io_service_bytes_recursive": "8:0 Read 4",
    };
    expect(blkio({ ...throttle, ...bfq })).toEqual(both(3, 4));
    expect(blkio({ ...throttle, ...bfq, "blkio.bfq.sectors_recursive": "8:0 6792" })).toEqual({
      sectorsRecursive: [{ major: 8, value: 6792 }],
    });
    expect(blkio({})).toEqual({});
  });
});

test("kills for want of memory are counted, not how often it was short", () => {
  expect(oomKills("low 0\nhigh 0\nmax 97\noom 3\noom_kill 2\noom_group_kill 0\n")).toBe(2);
  expect(oomKills("low 0\n")).toBe(0);
});
