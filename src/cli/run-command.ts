/** One run of the program: reads the command line, carries out the command, tells what went wrong, ends the process. */
import { syscall } from "../../native-bindings/libc.ts";
import { PAUSE, snapshotMode, TO_BE_LOOKED_AT } from "../../native-bindings/snapshot-mode.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { type Log, openLog } from "../report/log.ts";
import { writeError } from "../report/output.ts";
import { type Invocation, type OptionValues, type Problem, parseArguments } from "./parse-arguments.ts";
import { type CommandRequest, type CommandResult, textOption } from "./request.ts";

/** Commands by name, and for the whole program also the answer to a command line that is none. */
export interface Commands {
  readonly [name: string]: (request: CommandRequest) => CommandResult;
}

/**
 * Runs the command that `argv` names, and ends the process.
 *
 * @param commands those that the caller has loaded. What is not among them is left to the whole program.
 * @param answer what is said to a command line that asks for help or is wrong; given by the whole program.
 */
export function runCommand(argv: readonly string[], commands: Commands, answer?: (problem: Problem) => number): void {
  const parsed = parseArguments(argv);
  const command = "kind" in parsed ? undefined : commands[parsed.command];
  if (command === undefined && answer === undefined) {
    (require("./whole-program.ts") as typeof import("./whole-program.ts")).main(argv);
    return;
  }
  // Before any other global option is looked at, as in runc.
  if ("kind" in parsed && parsed.kind === "version") {
    exit(answer!(parsed));
    return;
  }
  let log: Log | undefined;
  try {
    log = openLog(logSettings(parsed.global));
    if (log.debugging && !("kind" in parsed))
      log.stage(`${versionName()}: ${parsed.command} ${parsed.arguments[0] ?? ""}`);
    exit("kind" in parsed ? answer!(parsed) : command!({ ...parsed, log }));
  } catch (error) {
    exit(tell(error, parsed, log));
  }
}

function versionName(): string {
  return `runts ${(require("./version.ts") as typeof import("./version.ts")).runtsVersion}`;
}

function logSettings(global: OptionValues) {
  const format = textOption(global, "log-format") || "text";
  if (format !== "text" && format !== "json") {
    throw new RuntimeFault({ what: `invalid log-format: ${format}` });
  }
  return { path: textOption(global, "log"), format, debug: global.debug === true } as const;
}

/**
 * One error line in the log, and, when that is a file, the bare message on standard error too: some callers read the one,
 * some the other.
 *
 * @param log undefined when opening it is what failed.
 * @returns the exit status.
 */
function tell(error: unknown, parsed: Invocation | Problem, log: Log | undefined): number {
  const fault = asFault(error, "internal error");
  const { command } = parsed as { command?: string };
  // The words that dockerd, podman and others show and match.
  const prefix = "kind" in parsed ? "" : prefixOf(command!);
  const message = prefix + fault.message;
  if (fault.facts.line !== undefined && textOption(parsed.global, "log") === "") {
    writeError(`${fault.facts.line}\n`);
    return fault.facts.exitCode ?? 1;
  }
  const sink = log ?? openLog({ path: "", format: "text", debug: false });
  if (!(error instanceof RuntimeFault) && error instanceof Error) sink.debug(error.stack ?? "");
  sink.error(message);
  if (log !== undefined && textOption(parsed.global, "log") !== "") writeError(`${message}\n`);
  // A status below is the program's own.
  return fault.facts.exitCode ?? (prefix === EXEC_FAILED ? 255 : 1);
}

const EXEC_FAILED = "exec failed: ";

function prefixOf(command: string): string {
  if (command === "exec") return EXEC_FAILED;
  return command === "create" || command === "run" ? `runc ${command} failed: ` : "";
}

/** Ends at once: taking the engine apart in good order takes 0.5 ms and more. exit_group(2) */
function exit(status: number | undefined): void {
  if ((globalThis as { runtsRehearses?: boolean }).runtsRehearses) return; // snapshot.ts
  if (snapshotMode() === TO_BE_LOOKED_AT) syscall(PAUSE);
  syscall(SYS.exit_group, status ?? 0);
}
