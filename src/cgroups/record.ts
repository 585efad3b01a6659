/** Where a container's cgroup is: plain JSON, part of state.json. */
export interface CgroupRecord {
  readonly driver: "cgroupfs" | "systemd";
  readonly mode: "v1" | "hybrid" | "v2";
  /**
   * The directory in each hierarchy, by runc's keys ("memory", "name=systemd", "" for cgroup2). Co-mounted controllers
   * share one. Empty when a rootless container has no cgroup of its own.
   */
  readonly paths: Record<string, string>;
  /** The directories that did not exist before, outermost first: what removing the cgroup takes away. */
  readonly made: string[];
  /** systemd's unit, of the machine's service manager or of the user's. */
  readonly unit?: { readonly name: string; readonly user: boolean };
}

/** The directories, each once: co-mounted controllers share one. */
export function directoriesOf(record: CgroupRecord): string[] {
  const directories: string[] = [];
  for (const key in record.paths) {
    const directory = record.paths[key]!;
    if (!directories.includes(directory)) directories.push(directory);
  }
  return directories;
}

/** Hierarchies without limits: the container is none the worse without them. runc ignores their errors too. */
export function isOptional(key: string): boolean {
  return key === "name=systemd" || key === "misc" || key === "";
}
