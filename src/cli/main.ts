/**
 * The entry: reads the command line, carries out the command, tells what went wrong, ends the process.
 *
 * Standard streams that the caller closed are /dev/null by now: the engine sees to that before it runs this, so no other
 * descriptor can come to have their numbers (a test holds it to that).
 */
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import { type Log, openLog } from "../report/log.ts";
import { writeError } from "../report/output.ts";
import { type Invocation, type OptionValues, type Problem, parseArguments } from "./parse-arguments.ts";
import { type CommandRequest, type CommandResult, textOption } from "./request.ts";

/** Defined in the build whose runs tell which functions the hot path uses (scripts/build.mjs). */
declare const RUNTS_RECORDS: boolean | undefined;

function main(argv: readonly string[]): void {
  const parsed = parseArguments(argv);
  // Before any other global option is looked at, as in runc.
  if ("kind" in parsed && parsed.kind === "version") {
    exit(answer(parsed));
    return;
  }
  let log: Log | undefined;
  try {
    log = openLog(logSettings(parsed.global));
    const result = "kind" in parsed ? answer(parsed) : dispatch({ ...parsed, log });
    if (result instanceof Promise) result.then(exit, (error) => exit(tell(error, parsed, log)));
    else exit(result);
  } catch (error) {
    exit(tell(error, parsed, log));
  }
}

function logSettings(global: OptionValues) {
  const format = textOption(global, "log-format") || "text";
  if (format !== "text" && format !== "json") {
    throw new RuntimeFault({ what: `invalid log-format: ${format}` });
  }
  return { path: textOption(global, "log"), format, debug: global.debug === true } as const;
}

/** Help and complaints are written by commander, which only those who need it load. */
function answer(problem: Problem): number {
  return (require("./help.ts") as typeof import("./help.ts")).answerProblem(problem);
}

/** Each command is a module that is evaluated when it is asked for. */
function dispatch(request: CommandRequest): CommandResult {
  switch (request.command) {
    case "create":
      return (require("./commands/create.ts") as typeof import("./commands/create.ts")).run(request);
    case "delete":
      return (require("./commands/delete.ts") as typeof import("./commands/delete.ts")).run(request);
    case "explain":
      return (require("./commands/explain.ts") as typeof import("./commands/explain.ts")).run(request);
    case "features":
      return (require("./commands/features.ts") as typeof import("./commands/features.ts")).run();
    case "kill":
      return (require("./commands/kill.ts") as typeof import("./commands/kill.ts")).run(request);
    case "list":
      return (require("./commands/list.ts") as typeof import("./commands/list.ts")).run(request);
    case "run":
      return (require("./commands/run.ts") as typeof import("./commands/run.ts")).run(request);
    case "spec":
      return (require("./commands/spec.ts") as typeof import("./commands/spec.ts")).run(request);
    case "start":
      return (require("./commands/start.ts") as typeof import("./commands/start.ts")).run(request);
    case "state":
      return (require("./commands/state.ts") as typeof import("./commands/state.ts")).run(request);
    case "validate":
      return (require("./commands/validate.ts") as typeof import("./commands/validate.ts")).run(request);
    default:
      throw new RuntimeFault({ what: `command ${request.command} is in the table but not carried out` });
  }
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
  const prefix = !("kind" in parsed) && (command === "create" || command === "run") ? `runc ${command} failed: ` : "";
  const message = prefix + fault.message;
  const sink = log ?? openLog({ path: "", format: "text", debug: false });
  if (!(error instanceof RuntimeFault) && error instanceof Error) sink.debug(error.stack ?? "");
  sink.error(message);
  if (log !== undefined && textOption(parsed.global, "log") !== "") writeError(`${message}\n`);
  return fault.facts.exitCode ?? 1;
}

/** Ends at once: taking the engine apart in good order takes 0.5 ms and more. What a build records is written by the latter. */
function exit(status: number | undefined): void {
  if (typeof RUNTS_RECORDS === "undefined") syscall(SYS.exit_group, status ?? 0);
  process.exit(status ?? 0);
}

main(process.argv.slice(2));
