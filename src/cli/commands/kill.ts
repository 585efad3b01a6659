import { killContainer } from "../../lifecycle/kill.ts";
import { parseSignal } from "../../lifecycle/signals.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { type CommandRequest, rootOf } from "../request.ts";

export function run(request: CommandRequest): undefined {
  const [id, signal] = request.arguments;
  const number = parseSignal(signal || "SIGTERM");
  try {
    killContainer(rootOf(request).path, id!, number, request.log);
  } catch (error) {
    // What is left of --all: callers that end all processes of a container mean to end nothing when there is none.
    const stopped = error instanceof RuntimeFault && error.facts.what === "container not running";
    if (!stopped || request.options.all !== true) throw error;
  }
}
