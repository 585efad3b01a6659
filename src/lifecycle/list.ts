import { ENOENT } from "../../native-bindings/errno.ts";
import { readTextIfThere, S_IFDIR, tryLstat, tryReadDirectory } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import { isMissingContainer, readRecord } from "../state/container-record.ts";
import type { StateRoot } from "../state/state-root.ts";
import { containerStatus } from "../state/status.ts";
import { type StateDocument, stateDocument } from "./state.ts";

/**
 * The containers below a state root, in the order of their names. Changes nothing, not even a root that is missing.
 *
 * @param complain takes one line on each entry that cannot be read; such entries are left out.
 * @throws RuntimeFault when a root that was asked for does not exist.
 */
export function listContainers(root: StateRoot, complain: (line: string) => void): StateDocument[] {
  const entries = tryReadDirectory(root.path);
  if (typeof entries === "number") {
    if (entries === -ENOENT && root.isDefault) return [];
    throw new RuntimeFault({ what: `open ${root.path}`, where: "--root", errno: -entries });
  }
  const documents: StateDocument[] = [];
  const owners = new OwnerNames();
  for (const name of entries.map((entry) => entry.name).sort()) {
    const directory = `${root.path}/${name}`;
    const status = tryLstat(directory);
    if (typeof status === "number" || status.type !== S_IFDIR) continue;
    try {
      const record = readRecord(root.path, name);
      documents.push(stateDocument(record, containerStatus(record, directory), owners.of(status.uid)));
    } catch (error) {
      if (!(error instanceof RuntimeFault)) throw error;
      // Deleted meanwhile: that is no complaint.
      if (isMissingContainer(error) && typeof tryLstat(directory) === "number") continue;
      complain(`load container ${name}: ${error.message}`);
    }
  }
  return documents;
}

/** User names by uid, from /etc/passwd, passwd(5). */
class OwnerNames {
  private names: Map<number, string> | undefined;

  /** The name, or `#uid` when there is none. */
  of(uid: number): string {
    this.names ??= readNames();
    return this.names.get(uid) ?? `#${uid}`;
  }
}

function readNames(): Map<number, string> {
  const names = new Map<number, string>();
  for (const line of (readTextIfThere("/etc/passwd") ?? "").split("\n")) {
    const [name, , uid] = line.split(":");
    const number = uid ? Number(uid) : Number.NaN;
    if (name && Number.isInteger(number) && !names.has(number)) names.set(number, name);
  }
  return names;
}
