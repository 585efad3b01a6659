import type { Config, LinuxNamespace, LinuxNamespaceType, LinuxTimeOffset } from "../config.ts";
import { type ConfigFault, fault } from "../config-fault.ts";
import { exceedsBytes } from "./byte-length.ts";
import { checkLength } from "./path-length.ts";

/** The entry for a type of namespace; without one the container shares the caller's. */
export function namespaceOf(config: Config, type: LinuxNamespaceType): LinuxNamespace | undefined {
  const list = config.linux?.namespaces;
  if (list !== undefined) for (const namespace of list) if (namespace.type === type) return namespace;
  return undefined;
}

/** config-linux.md "Namespaces", and the fields that make no sense without one of their own. */
export function checkNamespaces(config: Config, into: ConfigFault[]): void {
  const list = config.linux?.namespaces ?? [];
  for (let i = 0; i < list.length; i++) {
    const { type, path } = list[i]!;
    if (namespaceOf(config, type) !== list[i]) {
      const shown = `{${JSON.stringify(type)} ${JSON.stringify(path ?? "")}}`;
      fault(into, `/linux/namespaces/${i}`, `malformed spec file: duplicated ns ${shown}`);
    }
    checkLength(path, `/linux/namespaces/${i}/path`, into);
    if (path && path[0] !== "/") {
      fault(into, `/linux/namespaces/${i}/path`, "namespace path is not absolute", path, "an absolute path");
    }
  }
  checkUtsNames(config, into);
  checkTime(config, into);
  if (namespaceOf(config, "mount") !== undefined) return;
  for (const name of ["maskedPaths", "readonlyPaths"] as const) {
    if (!config.linux?.[name]?.length) continue;
    fault(into, `/linux/${name}`, "unable to restrict sys entries without a private MNT namespace");
  }
}

/** __NEW_UTS_LEN, sethostname(2). */
const mostUtsBytes = 64;

function checkUtsNames(config: Config, into: ConfigFault[]): void {
  for (const name of ["hostname", "domainname"] as const) {
    const value = config[name];
    if (!value) continue;
    if (namespaceOf(config, "uts") === undefined) {
      fault(into, `/${name}`, `unable to set ${name} without a private UTS namespace`, value);
    }
    if (exceedsBytes(value, mostUtsBytes)) {
      fault(into, `/${name}`, `${name} is too long`, value, `at most ${mostUtsBytes} bytes`);
    }
  }
}

function checkTime(config: Config, into: ConfigFault[]): void {
  const offsets = config.linux?.timeOffsets;
  if (offsets === undefined) return;
  const time = namespaceOf(config, "time");
  const at = "/linux/timeOffsets";
  if (time === undefined) {
    fault(into, at, "time namespace offsets specified, but time namespace isn't enabled in the config");
  } else if (time.path) {
    const both =
      "time namespace enabled, but both namespace path and time offsets specified -- you may only provide one";
    fault(into, at, both, time.path);
  }
  checkOffset(offsets.boottime, `${at}/boottime`, into);
  checkOffset(offsets.monotonic, `${at}/monotonic`, into);
}

function checkOffset(offset: LinuxTimeOffset | undefined, at: string, into: ConfigFault[]): void {
  if (offset?.nanosecs === undefined || offset.nanosecs < 1e9) return;
  fault(into, `${at}/nanosecs`, "invalid nanosecs", offset.nanosecs, "0 to 999999999");
}
