import { close, O_RDONLY, open, readText } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import { hookEnding } from "./hook-ending.ts";
import { runHookProcess } from "./hook-process.ts";
import { memoryFile } from "./host-hooks.ts";

/** How a tool has ended. */
export interface ToolEnd {
  /** "exit status 1", "signal: killed", as Go says it; undefined when it was its success. */
  readonly failure: string | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

const TIMEOUT_SECONDS = 60;

/**
 * Runs a program of the host's to its end, its input empty, as hooks are run: as a process that has nothing of the engine.
 *
 * @param env as words `name=value`.
 * @throws RuntimeFault when it cannot be executed, or takes more than a minute.
 */
export function runTool(path: string, args: readonly string[], env: readonly string[]): ToolEnd {
  const streams: number[] = [];
  try {
    streams.push(open("/dev/null", O_RDONLY));
    for (const name of ["stdout", "stderr", "failure"]) streams.push(memoryFile(`tool ${name}`));
    const [stdin, stdout, stderr, failed] = streams as [number, number, number, number];
    const end = runHookProcess({
      path,
      args: [path, ...args],
      env,
      cwd: undefined,
      streams: [stdin, stdout, stderr, failed],
      timeoutSeconds: TIMEOUT_SECONDS,
    });
    if ("errno" in end) throw new RuntimeFault({ what: "cannot execute", where: path, errno: end.errno });
    if ("timedOut" in end) throw new RuntimeFault({ what: `still running after ${TIMEOUT_SECONDS} s`, where: path });
    return {
      failure: end.status === 0 ? undefined : hookEnding(end.status),
      stdout: readText(`/proc/self/fd/${stdout}`),
      stderr: readText(`/proc/self/fd/${stderr}`),
    };
  } finally {
    for (const fd of streams) close(fd);
  }
}
