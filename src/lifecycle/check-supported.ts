/** Fields that ask for what this host or this runtime doesn't have: refused by name, before anything is created. */
import { AT_EACCESS } from "../../native-bindings/constants.ts";
import { AT_FDCWD, exists } from "../../native-bindings/files.ts";
import { cstring, syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { Config, Hook } from "../bundle/config.ts";
import { checkNetDevices, type NetDevices } from "../network/move-devices.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";

/**
 * Warns of what is without effect here.
 *
 * @param restores network devices may be in the container's namespace already.
 * @throws RuntimeFault with the field's pointer.
 */
export function checkSupported({ linux, hooks }: Config, log: Log, restores: boolean): void {
  if (linux?.mountLabel && !exists("/sys/fs/selinux/enforce")) {
    // As runc takes it: without SELinux there is nothing that a label could protect.
    log.warn("/linux/mountLabel: mount label is specified in config, but selinux is disabled or not supported");
  }
  if (!restores && Object.keys(linux?.netDevices ?? {}).length > 0) checkDevices(linux!.netDevices!);
  // Those inside the container have paths of the container.
  for (const kind of ["prestart", "createRuntime", "poststart", "poststop"] as const) {
    const list = hooks?.[kind] ?? [];
    for (let index = 0; index < list.length; index++) checkHook(list[index]!, `/hooks/${kind}/${index}/path`);
  }
}

function checkDevices(devices: NetDevices): void {
  if (syscall(SYS.geteuid) !== 0) {
    throw new RuntimeFault({
      what: "network devices are not supported for rootless containers",
      where: "/linux/netDevices",
    });
  }
  checkNetDevices(devices);
}

function checkHook({ path }: Hook, where: string): void {
  const X_OK = 1;
  const result = syscall(SYS.faccessat2, AT_FDCWD, cstring(path), X_OK, AT_EACCESS);
  if (result === 0) return;
  throw new RuntimeFault({ what: `hook ${path} can't be run`, where, value: path, errno: -result });
}
