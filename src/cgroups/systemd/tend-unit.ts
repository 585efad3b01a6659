/** What becomes of a container's unit after its start. */
import type { CgroupRecord } from "../record.ts";
import type { ResourceWrite } from "../resource-write.ts";
import { resourceProperties } from "./resource-properties.ts";
import { ServiceManager } from "./service-manager.ts";

function withManager(record: CgroupRecord, act: (manager: ServiceManager, unit: string) => void): void {
  if (record.unit === undefined) return;
  const manager = ServiceManager.connect(record.unit.user);
  try {
    act(manager, record.unit.name);
  } finally {
    manager.close();
  }
}

/** Stops the unit, and has systemd forget it. @throws RuntimeFault */
export function stopUnit(record: CgroupRecord): void {
  withManager(record, (manager, unit) => manager.stop(unit));
}

/** Tells systemd of new limits. @throws RuntimeFault */
export function updateUnit(record: CgroupRecord, writes: readonly ResourceWrite[]): void {
  withManager(record, (manager, unit) => {
    const properties = resourceProperties(writes, manager.version());
    if (properties.length > 0) manager.setProperties(unit, properties);
  });
}

/** Moves a process into the container's cgroup, where the caller may not. @throws RuntimeFault */
export function attachToUnit(record: CgroupRecord, pid: number): void {
  withManager(record, (manager, unit) => manager.attach(unit, pid));
}
