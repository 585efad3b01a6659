import { readdirSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../machine/runtimes.ts";
import { alone, inSession, mayRun, withoutCgroup } from "./ordinary-user.ts";

/** One program, run to its end inside the machine. */
export interface Unit {
  readonly name: string;
  readonly argv: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** A quarter of an hour unless said. */
  readonly limitMs?: number;
}

/** A way in which the tests are run. */
interface Pass {
  readonly about: string;
  readonly units: () => Unit[];
  /** Not part of a run without arguments: it tells nothing that was not told outside. */
  readonly onDemand?: true;
}

const integration = "conformance/integration";

/** What a cgroup that systemd makes can change. */
const ofUnits = "cgroups-v2 events exec-cgroups lifecycle pause rootless-session systemd update".split(" ");

/** What cgroup v2, AppArmor, criu on a kernel that it knows, and an ordinary user's session make a difference to. */
const ofTheMachine = [
  ..."cgroups-v2 checkpoint events exec-cgroups foreground interrupted mounts namespaces net-devices pause".split(" "),
  ..."rootless rootless-session security-labels update user-namespace".split(" "),
];

/** Of these what differs for an ordinary user, who has been given a cgroup or has a service manager; there is no time for more. */
const ofUsers = "events exec-cgroups lifecycle".split(" ");

/** Needs a session of systemd's for the user that it runs containers as, who has none. */
const notInUnits = ["rootless"];

const bySystemd = { RUNTS_TEST_GLOBAL_OPTIONS: "--systemd-cgroup" };

/** These first: nothing is then left to wait for at the end. */
const longest = ["update", "cgroups-v2", "interrupted", "checkpoint", "lifecycle", "exec-hostile", "exec-process"];

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
    about: "the integration tests that cgroup v2 and this machine make a difference to",
    units: () => testUnits("cgroupfs", (area) => ofTheMachine.includes(area)),
  },
  systemd: {
    about: "those of units: every call with --systemd-cgroup",
    units: () => testUnits("systemd", (area) => ofUnits.includes(area), bySystemd),
  },
  user: {
    about: "some of those as an ordinary user, in a delegated cgroup",
    units: () => testUnits("user", (area) => ofUsers.includes(area)).map(inSession),
  },
  "user-all": {
    about: "all integration tests that an ordinary user may run, in a delegated cgroup",
    units: () => testUnits("user-all", mayRun).map(inSession),
    onDemand: true,
  },
  "user-systemd": {
    about: "the same with --systemd-cgroup: by the user's service manager",
    units: () => testUnits("user-systemd", (area) => ofUsers.includes(area), bySystemd).map(inSession),
  },
  "user-systemd-all": {
    about: "all of those that an ordinary user may run, with --systemd-cgroup",
    units: () => testUnits("user-systemd-all", mayRun, bySystemd).map(inSession),
    onDemand: true,
  },
  "user-alone": {
    about: "some of them as an ordinary user who has no cgroup",
    units: () => testUnits("user-alone", (area) => withoutCgroup.includes(area)).map(alone),
    onDemand: true,
  },
  "runtime-tools": {
    about: "the validation programs of the Open Container Initiative, with runc and crun beside it",
    units: () => [
      {
        name: "runtime-tools",
        argv: [process.execPath, "conformance/main.ts", "runtime-tools", "--programs", "build/runtime-tools"],
        limitMs: 2_400_000,
      },
    ],
    onDemand: true,
  },
  "cgroupfs-all": {
    about: "all integration tests",
    units: () => testUnits("cgroupfs-all", () => true),
    onDemand: true,
  },
  "systemd-all": {
    about: "all integration tests, every call with --systemd-cgroup",
    units: () => testUnits("systemd-all", (area) => !notInUnits.includes(area), bySystemd),
    onDemand: true,
  },
};

function testUnits(pass: string, wanted: (area: string) => boolean, env: Record<string, string> = {}): Unit[] {
  const files = readdirSync(join(repository, integration)).filter((file) => file.endsWith(".test.ts"));
  const all = files.map((file) => file.slice(0, -".test.ts".length)).sort();
  const ordered = [...longest.filter((area) => all.includes(area)), ...all.filter((area) => !longest.includes(area))];
  return ordered.filter(wanted).map((area) => ({
    name: `${pass}: ${area}`,
    argv: [process.execPath, "test", "--timeout", "60000", `./${integration}/${area}.test.ts`],
    env: { RUNTS_TEST_PATIENCE: "6", ...env },
  }));
}
