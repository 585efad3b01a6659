import { CGROUP2_SUPER_MAGIC } from "../../../native-bindings/constants.ts";
import { addressOf, cstring, syscall } from "../../../native-bindings/libc.ts";
import { SYS } from "../../../native-bindings/syscall-numbers.ts";
import { writeSpec } from "../../lifecycle/spec.ts";
import { absolutePath } from "../../state/state-root.ts";
import { type CommandRequest, textOption } from "../request.ts";

export function run(request: CommandRequest): undefined {
  const directory = absolutePath(textOption(request.options, "bundle") || ".");
  writeSpec(directory, request.options.rootless === true, isUnified());
}

/** @see statfs(2): f_type is the first word */
function isUnified(): boolean {
  const words = new BigInt64Array(15);
  return (
    syscall(SYS.statfs, cstring("/sys/fs/cgroup"), addressOf(words)) === 0 && Number(words[0]) === CGROUP2_SUPER_MAGIC
  );
}
