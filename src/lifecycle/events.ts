import { POLLIN } from "../../native-bindings/constants.ts";
import { poll } from "../../native-bindings/poll.ts";
import { countProcesses } from "../cgroups/processes.ts";
import type { CgroupRecord } from "../cgroups/record.ts";
import { readStats, type Stats } from "../cgroups/stats.ts";
import { type OomWatch, watchOom } from "../cgroups/watch-oom.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { resctrlRoot } from "../resctrl/root.ts";
import { readResctrlStats } from "../resctrl/stats.ts";
import { type ContainerRecord, readRecord } from "../state/container-record.ts";
import { openProcess } from "../state/process-identity.ts";
import { containerStatus } from "../state/status.ts";

/** One line of what `events` prints. @see https://github.com/opencontainers/runc/blob/main/types/events.go */
export interface ContainerEvent {
  readonly type: "stats" | "oom";
  readonly id: string;
  readonly data?: Stats;
}

export interface EventsRequest {
  /** The state root, absolute. */
  readonly root: string;
  readonly id: string;
  readonly intervalMs: number;
  /** The stats once, and nothing more. */
  readonly once: boolean;
  readonly log: Log;
  /** Takes an event; false when nobody is there any more to read it. */
  readonly tell: (event: ContainerEvent) => boolean;
}

const NO_CGROUP: CgroupRecord = { driver: "cgroupfs", mode: "v1", paths: {}, made: [] };

/**
 * Tells what a container uses, at once or in intervals, and when it lacks memory; until its processes have ended, or the
 * reader has.
 *
 * @throws RuntimeFault "container with id X is not running"
 */
export function tellEvents(request: EventsRequest): void {
  const { root, id, intervalMs, once, tell } = request;
  const record = readRecord(root, id);
  if (!(intervalMs > 0)) {
    throw new RuntimeFault({ what: "duration interval must be greater than 0", where: "--interval" });
  }
  const status = containerStatus(record, `${root}/${id}`);
  if (status === "stopped" || status === "creating") {
    throw new RuntimeFault({ what: `container with id ${id} is not running` });
  }
  if (once) tell(statsOf(record));
  else follow(record, request);
}

function statsOf(record: ContainerRecord): ContainerEvent {
  const { id, cgroup, intel_rdt_path: group, intel_rdt_mon_path: monitoring } = record;
  try {
    const stats = readStats(cgroup ?? NO_CGROUP);
    const root = group === undefined ? undefined : resctrlRoot();
    if (root === undefined) return { type: "stats", id, data: stats };
    return { type: "stats", id, data: { ...stats, intel_rdt: readResctrlStats(root, group!, monitoring ?? group!) } };
  } catch (error) {
    throw asFault(error, "unable to get container cgroup stats");
  }
}

/** Standard output: that its reader has gone must not be found out at the next stats only. */
const READER = { fd: 1, events: 0 };

function follow(record: ContainerRecord, { intervalMs, log, tell }: EventsRequest): void {
  const oom = watchOrWarn(record, log);
  const life = new Life(record);
  let next = performance.now() + intervalMs;
  for (;;) {
    const waited = [READER, ...life.requests(), ...(oom === undefined ? [] : [oom.request])];
    const [reader] = poll(waited, Math.min(next - performance.now(), life.patienceMs()));
    if (reader !== 0) return;
    const ended = life.hasEnded();
    // After that, so that what killed the last process is told.
    if (oom?.happened() && !tell({ type: "oom", id: record.id })) return;
    if (ended) return;
    if (performance.now() < next) continue;
    next = Math.max(next + intervalMs, performance.now() + 1);
    if (!tellStats(record, log, tell)) return;
  }
}

/** A failure is no reason to end: the next time it may work. */
function tellStats(record: ContainerRecord, log: Log, tell: EventsRequest["tell"]): boolean {
  try {
    return tell(statsOf(record));
  } catch (error) {
    log.error(asFault(error, "stats").message);
    return true;
  }
}

function watchOrWarn({ cgroup }: ContainerRecord, log: Log): OomWatch | undefined {
  try {
    return watchOom(cgroup ?? NO_CGROUP);
  } catch (error) {
    log.warn(`events of type oom will not be told: ${asFault(error, "the kernel does not notify").message}`);
    return undefined;
  }
}

const SHORTEST_LOOK_MS = 10;
const LONGEST_LOOK_MS = 1000;
/** What fits into a timespec, whatever the interval. */
const LONGEST_WAIT_MS = 3_600_000;

/** Whether a container has processes: init tells of its end; then those that outlive it are looked for now and then. */
class Life {
  private readonly cgroup: CgroupRecord;
  private readonly init: number | undefined;
  private initEnded = false;
  private nextLookMs = SHORTEST_LOOK_MS;

  constructor({ cgroup, init_process_pid: pid, init_process_start: start }: ContainerRecord) {
    this.cgroup = cgroup ?? NO_CGROUP;
    this.init = openProcess(pid, start);
    this.initEnded = this.init === undefined;
  }

  requests() {
    return this.initEnded ? [] : [{ fd: this.init!, events: POLLIN }];
  }

  /** How long to wait at most before asking again. */
  patienceMs(): number {
    return this.initEnded ? this.nextLookMs : LONGEST_WAIT_MS;
  }

  hasEnded(): boolean {
    if (!this.initEnded) this.initEnded = poll([{ fd: this.init!, events: POLLIN }], 0)[0] !== 0;
    if (!this.initEnded) return false;
    this.nextLookMs = Math.min(2 * this.nextLookMs, LONGEST_LOOK_MS);
    return countProcesses(this.cgroup) === 0;
  }
}
