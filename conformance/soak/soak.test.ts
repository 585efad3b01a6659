import { expect, test } from "bun:test";
import { join } from "node:path";
import { repository } from "../machine/runtimes.ts";

test.skipIf(process.getuid?.() !== 0)(
  "forty containers leave nothing behind",
  async () => {
    const soak = Bun.spawn([process.execPath, join(repository, "conformance/main.ts"), "soak", "--count", "20"], {
      stdin: "ignore",
      stdout: "pipe",
      stderr: "pipe",
    });
    const [table, log, status] = await Promise.all([
      new Response(soak.stdout).text(),
      new Response(soak.stderr).text(),
      soak.exited,
    ]);
    expect(status, `${table}\n${log}`).toBe(0);
  },
  120_000,
);
