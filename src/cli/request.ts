import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { absolutePath, type StateRoot, stateRoot } from "../state/state-root.ts";
import { parseBool } from "./option-value.ts";
import type { Invocation, OptionValues } from "./parse-arguments.ts";

/** What every command is given. Its exit status is 0 unless it returns another. */
export interface CommandRequest extends Invocation {
  readonly log: Log;
}

export type CommandResult = number | undefined;

/** The text of an option, "" when it was not given: an empty value means none, as in runc. */
export function textOption(options: OptionValues, name: string): string {
  return (options[name] as string | undefined) ?? "";
}

/** @throws RuntimeFault when `--root` is refused. */
export function rootOf(request: CommandRequest): StateRoot {
  return stateRoot(textOption(request.global, "root"));
}

/** `--format` of commands that report to a person or to a program. @throws RuntimeFault for any other word. */
export function reportFormat(request: CommandRequest): "text" | "json" {
  const format = textOption(request.options, "format") || "text";
  if (format !== "text" && format !== "json") {
    throw new RuntimeFault({ what: "invalid format option", where: "--format", value: format });
  }
  return format;
}

/** The bundle's directory, absolute: the argument, else `--bundle`, else the working directory. */
export function bundleOf(request: CommandRequest): string {
  return absolutePath(request.arguments[0] ?? (textOption(request.options, "bundle") || "."));
}

/** The global options that say how a container's cgroup is made. @throws RuntimeFault for a `--rootless` that is no mode. */
export function cgroupOptions({ global }: CommandRequest): { systemdCgroup: boolean; rootless: boolean | "auto" } {
  return { systemdCgroup: global["systemd-cgroup"] === true, rootless: rootlessMode(textOption(global, "rootless")) };
}

function rootlessMode(text: string): boolean | "auto" {
  if (text === "" || text === "auto") return "auto";
  const value = parseBool(text);
  if (value === undefined) {
    throw new RuntimeFault({ what: "not true, false or auto", where: "--rootless", value: text });
  }
  return value;
}
