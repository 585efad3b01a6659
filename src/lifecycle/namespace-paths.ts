import { ENOENT } from "../../native-bindings/errno.ts";
import { close, O_NONBLOCK, O_RDONLY, tryOpen } from "../../native-bindings/files.ts";
import { syscall } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import type { Config } from "../bundle/config.ts";
import type { JoinedNamespace } from "../plan/steps/join-namespaces.ts";
import { RuntimeFault } from "../report/fault.ts";

/** ioctl_ns(2): the CLONE_NEW* flag of the namespace behind a descriptor. */
const NS_GET_NSTYPE = 0xb703;

/**
 * Opens the namespaces that the config names, and checks that each is what it is said to be.
 *
 * Without blocking: the path may be a FIFO. Only a namespace answers NS_GET_NSTYPE.
 *
 * @returns descriptors by the names that the program knows them by: `ns:TYPE`.
 */
export function openNamespaces(
  namespaces: readonly JoinedNamespace[],
  linux: Config["linux"],
  directory: string,
  given: Map<string, number>,
): void {
  for (const { type, flag, path, from } of namespaces) {
    const fd = tryOpen(path, O_RDONLY | O_NONBLOCK);
    if (fd < 0) {
      throw new RuntimeFault({
        what: `unable to open the ${type} namespace`,
        where: from,
        value: path,
        errno: -fd,
        hint: fd === -ENOENT ? "has the process whose namespace it is ended?" : undefined,
      });
    }
    const actual = syscall(SYS.ioctl, fd, NS_GET_NSTYPE);
    if (actual !== flag) {
      close(fd);
      throw new RuntimeFault({
        what: actual < 0 ? "the path is not a namespace" : `the path is not a ${type} namespace`,
        where: from,
        value: path,
      });
    }
    given.set(`ns:${type}`, fd);
  }
  if (namespaces.length === 0 || linux === undefined) return;
  const { sysctl, uidMappings, gidMappings } = linux;
  if (sysctl === undefined && uidMappings === undefined && gidMappings === undefined) return;
  (require("./check-joined.ts") as typeof import("./check-joined.ts")).checkJoined(linux, directory, given);
}
