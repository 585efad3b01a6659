/** The options that checkpoint and restore have in common. */
import { CLONE_NEWNET } from "../../../native-bindings/constants.ts";
import { readTextIfThere } from "../../../native-bindings/files.ts";
import { syscall } from "../../../native-bindings/libc.ts";
import { SYS } from "../../../native-bindings/syscall-numbers.ts";
import { CgroupMode } from "../../criu/messages.ts";
import type { CriuSettings } from "../../lifecycle/criu-settings.ts";
import { RuntimeFault } from "../../report/fault.ts";
import { absolutePath } from "../../state/state-root.ts";
import { type CommandRequest, textOption } from "../request.ts";

/** @throws RuntimeFault for a value that criu has no use for. */
export function criuSettings(request: CommandRequest): CriuSettings {
  const { options } = request;
  const workPath = textOption(options, "work-path");
  return {
    imagePath: absolutePath(textOption(options, "image-path") || "checkpoint"),
    workPath: workPath === "" ? undefined : absolutePath(workPath),
    tcpEstablished: options["tcp-established"] === true,
    externalUnixSockets: options["ext-unix-sk"] === true,
    shellJob: options["shell-job"] === true,
    fileLocks: options["file-locks"] === true,
    autoDedup: options["auto-dedup"] === true,
    lazyPages: options["lazy-pages"] === true,
    cgroupMode: cgroupMode(textOption(options, "manage-cgroups-mode")),
    emptyNamespaces: emptyNamespaces((options["empty-ns"] as readonly string[] | undefined) ?? []),
  };
}

function cgroupMode(text: string): number {
  if (text === "") return CgroupMode.default;
  if (text === "soft" || text === "full" || text === "strict" || text === "ignore") return CgroupMode[text];
  throw new RuntimeFault({
    what: "invalid manage-cgroups-mode value",
    where: "--manage-cgroups-mode",
    value: text,
    hint: "soft, full, strict or ignore",
  });
}

/** The network always: its devices are the engine's affair, before and after. */
function emptyNamespaces(names: readonly string[]): number {
  for (const name of names) {
    if (name === "network") continue;
    throw new RuntimeFault({ what: `namespace ${JSON.stringify(name)} is not supported`, where: "--empty-ns" });
  }
  return CLONE_NEWNET;
}

/** criu wants the host's root, and mostly gets it. */
export function warnUnlessRoot({ log, command }: CommandRequest): void {
  const map = readTextIfThere("/proc/self/uid_map");
  if (syscall(SYS.geteuid) === 0 && (map === undefined || map.trimEnd().endsWith(" 4294967295"))) return;
  log.warn(`${command} is untested with rootless containers`);
}
