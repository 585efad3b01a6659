import { close } from "../../native-bindings/files.ts";
import type { Config } from "../bundle/config.ts";
import type { ConfigFault } from "../bundle/config-fault.ts";
import { parseJson } from "../bundle/parse-json.ts";
import { isFrozen } from "../cgroups/freezer.ts";
import { RuntimeFault } from "../report/fault.ts";
import { type ContainerRecord, readRecord } from "../state/container-record.ts";
import { readCreatedConfig } from "../state/created-config.ts";
import { openProcess } from "../state/process-identity.ts";
import type { ExecRequest } from "./exec-request.ts";

/** The container that a process is to run in. */
export interface ExecTarget {
  readonly record: ContainerRecord;
  /** Below the state root. */
  readonly directory: string;
  /** As it was when the container was created. */
  readonly config: Config;
  readonly configText: string;
  /** Of its init: that very process, by pid and start time. The caller closes it. */
  readonly pidfd: number;
  readonly paused: boolean;
}

/** @throws RuntimeFault in runc's words, when there is no container, or none that something can be run in. */
export function openExecTarget({ root, id, ignorePaused }: ExecRequest): ExecTarget {
  const record = readRecord(root, id);
  if (record.status === "creating") throw notCreated(record);
  const paused = record.cgroup !== undefined && isFrozen(record.cgroup);
  if (paused && !ignorePaused) {
    throw new RuntimeFault({ what: "cannot exec in a paused container (use --ignore-paused to override)" });
  }
  const pidfd = openProcess(record.init_process_pid, record.init_process_start);
  if (pidfd === undefined) throw stoppedContainer();
  try {
    const directory = `${root}/${id}`;
    const configText = readCreatedConfig(directory);
    return { record, directory, configText, config: parsed(configText, directory), pidfd, paused };
  } catch (error) {
    close(pidfd);
    throw error;
  }
}

export function stoppedContainer(): RuntimeFault {
  return new RuntimeFault({ what: "cannot exec in a stopped container" });
}

function notCreated(record: ContainerRecord): RuntimeFault {
  const creator = openProcess(record.creator_pid ?? 0, record.creator_start ?? 0);
  if (creator === undefined) return stoppedContainer();
  close(creator);
  return new RuntimeFault({ what: "cannot exec in a container that is still being created" });
}

function parsed(text: string, directory: string): Config {
  const faults: ConfigFault[] = [];
  const config = parseJson(text, faults) as Config | undefined;
  if (config !== undefined && faults.length === 0) return config;
  throw new RuntimeFault({ what: "the container's config is damaged", where: `${directory}/config.json` });
}
