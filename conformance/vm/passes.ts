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
  /** Not part of a run without arguments: it tells nothing that was not told outside. */
  readonly onDemand?: true;
}

const integration = "conformance/integration";

/** What is about texts, files and refusals: neither the kernel's version nor its cgroups make a difference. */
const indifferent = [
  ...["activation", "bad-command", "bad-config", "checkpoint-protocol", "command-line", "completion", "hostile-caller"],
  ...["hostile-config", "leftovers", "validate"],
];

/** What a cgroup that systemd makes can change. */
const aboutCgroups = [
  ...["cgroups-v2", "checkpoint", "events", "exec-cgroups", "foreground", "interrupted", "lifecycle", "namespaces"],
  ...["notify", "pause", "rootless-session", "systemd", "update", "user-namespace"],
];

/** Validation programs that no runtime passes on the machine; conformance/README.md has each one's reason. */
const notToPass: readonly string[] = [];

/** Longest first: nothing is then left to wait for at the end. */
const longest = ["update", "exec-hostile", "exec-process", "lifecycle", "interrupted", "exec-containers"];

export const passes: Readonly<Record<string, Pass>> = {
  units: {
    about: "the unit tests of what deals with cgroups and processes, on a kernel with cgroup v2",
    units: () =>
      ["src/cgroups", "src/host", "src/lifecycle", "src/state"].map((directory) => ({
        name: `units: ${directory}`,
        argv: [process.execPath, "test", "--timeout", "60000", `./${directory}`],
      })),
  },
  cgroupfs: {
    about: "the integration tests of containers, on cgroup v2",
    units: () => areas((area) => !indifferent.includes(area)).map((area) => testUnit("cgroupfs", area)),
  },
  systemd: {
    about: "those that have to do with cgroups, with --systemd-cgroup in every call",
    units: () =>
      areas((area) => aboutCgroups.includes(area)).map((area) =>
        testUnit("systemd", area, { RUNTS_TEST_GLOBAL_OPTIONS: "--systemd-cgroup" }),
      ),
  },
  "runtime-tools": {
    about: "the validation programs of the Open Container Initiative",
    units: () => [
      {
        name: "runtime-tools",
        argv: [
          process.execPath,
          "conformance/main.ts",
          "runtime-tools",
          "--no-peers",
          "--programs",
          "build/runtime-tools",
        ].concat(notToPass.flatMap((name) => ["--not-expected", name])),
      },
    ],
  },
  indifferent: {
    about: "the integration tests of texts, files and refusals",
    units: () => areas((area) => indifferent.includes(area)).map((area) => testUnit("indifferent", area)),
    onDemand: true,
  },
};

function areas(wanted: (area: string) => boolean): string[] {
  const files = readdirSync(join(repository, integration)).filter((file) => file.endsWith(".test.ts"));
  const all = files.map((file) => file.slice(0, -".test.ts".length)).sort();
  return [...longest.filter((area) => all.includes(area)), ...all.filter((area) => !longest.includes(area))].filter(
    wanted,
  );
}

function testUnit(pass: string, area: string, env: Record<string, string> = {}): Unit {
  const argv = [process.execPath, "test", "--timeout", "60000", `./${integration}/${area}.test.ts`];
  return { name: `${pass}: ${area}`, argv, env: { RUNTS_TEST_PATIENCE: "6", ...env } };
}
