import { expect, test } from "bun:test";
import { valueToRestore } from "./value-to-restore.ts";

const cases: [file: string, written: string, before: string, restored: string | undefined][] = [
  ["memory.limit_in_bytes", "67108864", "9223372036854771712\n", "9223372036854771712"],
  ["cpu.max", "20000 50000", "max 100000\n", "max 100000"],
  ["cpuset.cpus", "0", "\n", "\n"],
  ["memory.oom_control", "1", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n", "0"],
  ["io.weight", "500", "default 100\n8:0 30\n", "default 100"],
  ["io.weight", "8:0 500", "default 100\n8:0 30\n", "8:0 30"],
  ["io.weight", "8:16 500", "default 100\n8:0 30\n", "8:16 default"],
  ["io.max", "8:0 rbps=1", "8:0 rbps=max wbps=5 riops=max wiops=max\n", "8:0 rbps=max wbps=5 riops=max wiops=max"],
  ["io.max", "8:0 rbps=1", "8:01 rbps=7\n", "8:0 rbps=max wbps=max riops=max wiops=max"],
  ["blkio.throttle.read_bps_device", "7:0 1", "7:0 1048576\n", "7:0 1048576"],
  ["blkio.throttle.read_bps_device", "7:0 1", "", "7:0 0"],
  ["net_prio.ifpriomap", "eth0 3", "lo 0\neth0 1\n", "eth0 1"],
  ["rdma.max", "mlx5_0 hca_handle=2", "mlx5_0 hca_handle=max hca_object=max\n", "mlx5_0 hca_handle=max hca_object=max"],
  ["rdma.max", "mlx5_1 hca_handle=2", "", undefined],
];

for (const [file, written, before, restored] of cases) {
  test(`${file} after ${JSON.stringify(written)} over ${JSON.stringify(before)}`, () =>
    expect(valueToRestore(file, written, before)).toBe(restored));
}
