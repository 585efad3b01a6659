import { readdirSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../machine/runtimes.ts";

/** One program, run to its end inside the machine. */
export interface Unit {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** A way in which the tests are run. */
interface Pass {
  readonly about: string;
  readonly units: () => Unit[];
}

const integration = "conformance/integration";

/** What is about the runtime's own files and texts, and was judged outside already: systemd changes nothing about it. */
const withoutCgroups = [
  "activation",
  "bad-command",
  "bad-config",
  "completion",
  "hostile-caller",
  "leftovers",
  "validate",
];

export const passes: Readonly<Record<string, Pass>> = {
  cgroupfs: {
    about: "all integration tests, on cgroup v2",
    units: () => testFiles().map((file) => testUnit("cgroupfs", file)),
  },
  systemd: {
    about: "the integration tests of what has to do with containers, each call with --systemd-cgroup",
    units: () =>
      testFiles()
        .filter((file) => !withoutCgroups.some((area) => file === `${area}.test.ts`))
        .map((file) => testUnit("systemd", file, { RUNTS_TEST_GLOBAL_OPTIONS: "--systemd-cgroup" })),
  },
};

/** In the order of their names, but for the longest, which come first: nothing is then left to wait for at the end. */
function testFiles(): string[] {
  const longest = ["update", "seccomp", "events", "exec", "lifecycle"].map((area) => `${area}.test.ts`);
  const files = readdirSync(join(repository, integration)).filter((file) => file.endsWith(".test.ts"));
  return [...longest, ...files.filter((file) => !longest.includes(file)).sort()];
}

function testUnit(pass: string, file: string, env: Record<string, string> = {}): Unit {
  const argv = [process.execPath, "test", "--timeout", "60000", `./${integration}/${file}`];
  return { name: `${pass}: ${file.replace(".test.ts", "")}`, argv, env: { RUNTS_TEST_PATIENCE: "6", ...env } };
}
