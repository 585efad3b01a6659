import { type ContainerRecord, readRecord } from "../state/container-record.ts";
import { type ContainerStatus, containerStatus } from "../state/status.ts";

/** The version of the runtime specification that this runtime implements. */
export const specVersion = "1.3.0";

/** What `state` prints, its keys in runc's order. `owner` is always "" in runc's `state`, and filled in its `list`. */
export interface StateDocument {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 when stopped. */
  readonly pid: number;
  readonly status: ContainerStatus;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

/**
 * The state of one container.
 *
 * @param root the state root.
 * @throws RuntimeFault when there is no such container or its state file is damaged.
 * @see runtime-spec runtime.md, Query State
 */
export function stateOf(root: string, id: string): StateDocument {
  const record = readRecord(root, id);
  return stateDocument(record, containerStatus(record, `${root}/${id}`), "");
}

export function stateDocument(record: ContainerRecord, status: ContainerStatus, owner: string): StateDocument {
  return {
    ociVersion: specVersion,
    id: record.id,
    pid: status === "stopped" ? 0 : record.init_process_pid,
    status,
    bundle: record.bundle,
    rootfs: record.rootfs,
    created: record.created,
    annotations: sortedOrAbsent(record.annotations),
    owner,
  };
}

function sortedOrAbsent(annotations: ContainerRecord["annotations"]): ContainerRecord["annotations"] {
  if (annotations === undefined) return undefined;
  const names = Object.keys(annotations);
  if (names.length === 0) return undefined;
  // Without a prototype: an annotation may be called __proto__.
  const sorted: Record<string, string> = Object.create(null);
  for (const name of names.sort()) sorted[name] = annotations[name]!;
  return sorted;
}
