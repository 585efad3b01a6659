import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LinuxMemory } from "../bundle/config.ts";
import { refuseLimitBelowUsage } from "./check-usage.ts";

test("a limit at or below the usage is refused when that is asked for, on v2", () => {
  const directory = mkdtempSync(join(tmpdir(), "runts-usage-"));
  try {
    const check = (memory: LinuxMemory, mode: "v1" | "v2" = "v2") =>
      refuseLimitBelowUsage({ driver: "cgroupfs", mode, paths: { "": directory }, made: [] }, memory);
    check({ checkBeforeUpdate: true, limit: 1 });
    writeFileSync(join(directory, "memory.current"), "4096\n");
    expect(() => check({ checkBeforeUpdate: true, limit: 4096 })).toThrow("rejecting memory limit 4096 <= usage 4096");
    expect(() => check({ checkBeforeUpdate: true, limit: 1, swap: 2 })).toThrow(
      "rejecting memory+swap limit 2 <= usage 4096 [at /linux/resources/memory/swap]",
    );
    check({ checkBeforeUpdate: true, limit: 4097, swap: -1 });
    check({ checkBeforeUpdate: true, limit: -1 });
    check({ limit: 1 });
    check({ checkBeforeUpdate: true, limit: 1 }, "v1");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
