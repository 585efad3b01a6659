import { EACCES, EPERM } from "../../native-bindings/errno.ts";
import { pidsIn } from "../cgroups/processes.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { readRecord } from "../state/container-record.ts";
import { isAlive } from "../state/process-identity.ts";

const WHAT = "unable to get all container pids";

/**
 * The processes of a container, by their ids as this process sees them. None when it is stopped.
 *
 * @throws RuntimeFault when the container runs and has no cgroup that would tell.
 */
export function processesOf(root: string, id: string): number[] {
  const record = readRecord(root, id);
  let pids: number[];
  try {
    pids = record.cgroup === undefined ? [] : pidsIn(record.cgroup);
  } catch (error) {
    const { facts } = asFault(error, WHAT);
    const denied = facts.errno === EACCES || facts.errno === EPERM;
    throw new RuntimeFault({ ...facts, hint: denied ? "the caller may lack full access to cgroups" : facts.hint });
  }
  if (pids.length === 0 && isAlive(record.init_process_pid, record.init_process_start)) {
    throw new RuntimeFault({
      what: WHAT,
      value: id,
      hint: "its init runs, but it has no cgroup of its own, or none that this process can look into",
    });
  }
  return pids;
}
