import { execInContainer } from "../../lifecycle/exec.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { absolutePath } from "../../state/state-root.ts";
import { type CommandRequest, type CommandResult, rootOf, textOption } from "../request.ts";

/** The exit status is that of the process. */
export function run(request: CommandRequest): CommandResult {
  const { options, log } = request;
  const pidFile = textOption(options, "pid-file");
  return execInContainer({
    root: rootOf(request).path,
    id: request.arguments[0]!,
    processFile: textOption(options, "process") || undefined,
    args: request.arguments.slice(1),
    flags: {
      cwd: textOption(options, "cwd"),
      env: listOption(request, "env"),
      tty: options.tty === true,
      user: textOption(options, "user"),
      additionalGids: groups(listOption(request, "additional-gids")),
      processLabel: textOption(options, "process-label"),
      apparmor: textOption(options, "apparmor"),
      noNewPrivileges: options["no-new-privs"] as boolean | undefined,
      capabilities: listOption(request, "cap"),
    },
    detach: options.detach === true,
    pidFile: pidFile === "" ? undefined : absolutePath(pidFile),
    consoleSocket: textOption(options, "console-socket") || undefined,
    pidfdSocket: textOption(options, "pidfd-socket") || undefined,
    preserveFds: preservedFds(options["preserve-fds"] as number | undefined),
    cgroups: listOption(request, "cgroup"),
    ignorePaused: options["ignore-paused"] === true,
    log,
  });
}

function listOption({ options }: CommandRequest, name: string): readonly string[] {
  return (options[name] as string[] | undefined) ?? [];
}

/** Texts of integers: the parser has seen to that. */
function groups(texts: readonly string[]): number[] {
  const ids: number[] = [];
  for (const text of texts) {
    const id = Number(text);
    if (id < 0) {
      const what = `additional-gids must be a positive number ${text}`;
      throw new RuntimeFault({ what, where: "--additional-gids", value: text });
    }
    ids.push(id);
  }
  return ids;
}

function preservedFds(count = 0): number {
  if (count >= 0) return count;
  const what = "cannot preserve a negative number of descriptors";
  throw new RuntimeFault({ what, where: "--preserve-fds", value: count });
}
