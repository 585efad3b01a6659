/** A container's processes frozen and killed, its cgroup removed, on this machine's hierarchies. Needs root. */
import { afterEach, expect } from "bun:test";
import { exists, mkdir, tryRmdir } from "../../native-bindings/files.ts";
import { freeze, isFrozen, thaw } from "./freezer.ts";
import { killAll } from "./kill.ts";
import {
  asV2,
  cleanUp,
  host,
  onUnified,
  onV1,
  parent,
  prepare,
  spawnIn,
  unified,
  until,
} from "./live-cgroup.fixture.ts";
import { countProcesses } from "./processes.ts";
import { type CgroupRecord, directoriesOf } from "./record.ts";
import { removeCgroup } from "./remove.ts";

afterEach(cleanUp);

for (const [name, layout, run] of [
  ["the v1 freezer", { ...host, mode: "v1", hierarchies: host.hierarchies.filter((h) => h.key !== "") }, onV1],
  ["hybrid", host, onV1],
  ["cgroup2", asV2, onUnified],
] as const) {
  run(`a container is frozen and thawed by ${name}`, () => {
    const record = prepare(layout);
    spawnIn(record);
    expect(isFrozen(record)).toBe(false);
    freeze(record);
    expect(isFrozen(record)).toBe(true);
    thaw(record);
    expect(isFrozen(record)).toBe(false);
  });

  run(
    `all processes of a container are killed through ${name}, also those below and those forked meanwhile`,
    async () => {
      const record = prepare(layout);
      const forking = spawnIn(record, "while :; do sleep 30 & sleep 0.001; done");
      const looping = spawnIn(record, "i=0; while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done; wait");
      await until(() => countProcesses(record) >= 20);
      killAll(record);
      await Promise.all([forking.exited, looping.exited]);
      await until(() => countProcesses(record) === 0);
      expect(isFrozen(record)).toBe(false);
      removeCgroup(record);
      for (const directory of directoriesOf(record)) expect(exists(directory)).toBe(false);
    },
  );

  run(`what is about to end in a cgroup that ${name} has frozen is let out when that is removed`, async () => {
    const record = prepare(layout);
    const ending = spawnIn(record, "exec sleep 0.1");
    freeze(record);
    removeCgroup(record);
    expect(await ending.exited).toBe(0);
    for (const directory of directoriesOf(record)) expect(exists(directory)).toBe(false);
  });

  run(`a cgroup of ${name} that its last process took along is neither thawed nor killed in vain`, () => {
    const record = prepare(layout);
    removeCgroup(record);
    thaw(record);
    killAll(record);
    expect(isFrozen(record)).toBe(false);
  });

  run(`nothing is killed through ${name} where the runtime itself is`, () => {
    const paths = Object.fromEntries(layout.hierarchies.map((h) => [h.key, h.mountPoint]));
    const record: CgroupRecord = { driver: "cgroupfs", mode: layout.mode, paths, made: [] };
    expect(() => killAll(record)).toThrow("the runtime itself is in this cgroup");
    expect(() => removeCgroup(record)).toThrow("unable to remove container's cgroup");
  });
}

onUnified("children that the container made are removed first, and a process that is left is named", () => {
  const record = prepare(asV2);
  mkdir(`${record.paths[""]}/inner`, 0o755);
  mkdir(`${record.paths[""]}/inner/most`, 0o755);
  removeCgroup(record);
  expect(exists(record.paths[""]!)).toBe(false);
  removeCgroup(record);

  const busy = prepare(asV2);
  spawnIn(busy);
  expect(() => removeCgroup(busy)).toThrow(`Failed to remove paths: map[:${busy.paths[""]}]`);
});

onUnified("parents that another container uses stay until that one goes", () => {
  const first = prepare(asV2);
  const second = prepare(asV2);
  const top = `${unified!.mountPoint}${parent}`;
  expect(first.made).toEqual([top, first.paths[""]!]);
  removeCgroup(first);
  expect(exists(top)).toBe(true);
  removeCgroup(second);
  // The second did not make it: whoever does, or an operator, takes it away.
  expect(exists(top)).toBe(true);
  expect(tryRmdir(top)).toBe(0);
});
