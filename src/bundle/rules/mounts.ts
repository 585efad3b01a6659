import type { Config, Mount } from "../config.ts";
import { type ConfigFault, fault, warning } from "../config-fault.ts";
import { checkMappings } from "./id-mappings.ts";
import { isMountWord } from "./mount-options.ts";
import { namespaceOf } from "./namespaces.ts";
import { checkLength } from "./path-length.ts";
import { lexicalPath } from "./paths.ts";

/** config.md "Mounts". What depends on what is in the root file system is decided when it is mounted. */
export function checkMounts(config: Config, into: ConfigFault[]): void {
  const mounts = config.mounts;
  if (mounts === undefined) return;
  for (let i = 0; i < mounts.length; i++) {
    const mount = mounts[i]!;
    const at = `/mounts/${i}`;
    const options = mount.options ?? [];
    const bind = options.includes("bind") || options.includes("rbind");
    checkDestination(mount, bind, at, into);
    if (bind) checkLength(mount.source, `${at}/source`, into);
    if (bind) checkBind(mount, at, into);
    else checkType(mount, at, into);
    if (mapsByOption(options)) {
      checkIdmapOption(config, mount, bind, at, into);
    } else if (
      mount.uidMappings?.length ||
      mount.gidMappings?.length ||
      options.includes("idmap") ||
      options.includes("ridmap")
    ) {
      checkIdMapped(config, mount, bind, at, into);
    }
  }
}

function checkDestination(mount: Mount, bind: boolean, at: string, into: ConfigFault[]): void {
  const { destination } = mount;
  const pointer = `${at}/destination`;
  if (destination === "") {
    fault(into, pointer, "mount destination must not be empty");
    return;
  }
  if (destination[0] !== "/") {
    const later = "Support for non-absolute mount destinations will be removed in a future release.";
    warning(into, pointer, `mount destination ${destination} is not absolute. ${later}`);
  }
  checkLength(destination, pointer, into);
  const path = lexicalPath(destination);
  if (path === "/") {
    fault(into, pointer, 'mountpoint "/" is on the top of rootfs', destination);
  } else if (path.startsWith("/proc/") && !insideProc.includes(` ${path.slice(6)} `)) {
    fault(into, pointer, `"${path}" cannot be mounted because it is inside /proc`, destination);
  } else if (path === "/proc" && !bind && mount.type !== "proc") {
    fault(into, pointer, `"${path}" cannot be mounted because it is not of type proc`, mount.type);
  }
}

/** What lxcfs provides, and two sysctls that runc lets through. */
const insideProc =
  " cpuinfo diskstats meminfo stat swaps uptime loadavg slabinfo sys/kernel/ns_last_pid sys/crypto/fips_enabled ";

const NOT_FOLLOWING = ["copy-symlink", "src-nofollow", "dest-nofollow"];

/** A warning only: configs that worked for years have such options, and they never had an effect. mount(2), MS_BIND. */
function checkBind(mount: Mount, at: string, into: ConfigFault[]): void {
  if (!mount.source) fault(into, `${at}/source`, "bind mount without a source", mount.source, "a path");
  const options = mount.options!;
  for (let i = 0; i < options.length; i++) {
    if (isMountWord(options[i]!) || options[i]!.startsWith("idmap=")) continue;
    if (NOT_FOLLOWING.includes(options[i]!)) {
      // Without them another file than the one that was meant would be shown.
      fault(into, `${at}/options/${i}`, "this mount option of crun's is not supported", options[i]);
      continue;
    }
    const message = "bind mounts cannot have any filesystem-specific options applied: ignored";
    warning(into, `${at}/options/${i}`, message, options[i]);
  }
}

/** mount(2) knows neither "bind" nor "none" as a file system: it is the option that makes a bind mount. */
function checkType(mount: Mount, at: string, into: ConfigFault[]): void {
  const { type = "" } = mount;
  if ((type !== "" && type !== "bind" && type !== "none") || mount.options?.includes("remount")) return;
  const names = `"${mount.source ?? ""}" to rootfs at "${mount.destination}"`;
  const expected = 'a file system\'s name, or "bind" or "rbind" among the options';
  fault(into, `${at}/type`, `error mounting ${names}: no such device`, type, expected);
}

function checkIdMapped(config: Config, mount: Mount, bind: boolean, at: string, into: ConfigFault[]): void {
  const uids = mount.uidMappings ?? [];
  const gids = mount.gidMappings ?? [];
  if (!bind) fault(into, at, "id-mapped mounts are only supported for bind-mounts");
  // Without mappings of its own the mount takes those of the container's user namespace.
  const inherits = uids.length === 0 && gids.length === 0 && namespaceOf(config, "user") !== undefined;
  if (!inherits && (uids.length === 0 || gids.length === 0)) {
    fault(into, at, "id-mapped mounts must have both uid and gid mappings specified");
  }
  checkMappings(uids, `${at}/uidMappings`, into);
  checkMappings(gids, `${at}/gidMappings`, into);
}

function mapsByOption(options: readonly string[]): boolean {
  for (const option of options) if (option.charCodeAt(0) === 0x69 && option.startsWith("idmap=")) return true;
  return false;
}

/** crun's way to say it: idmap=uids=...;gids=... */
function checkIdmapOption(config: Config, mount: Mount, bind: boolean, at: string, into: ConfigFault[]): void {
  const { idmapOption, parseIdmapOption } = require("../idmap-option.ts") as typeof import("../idmap-option.ts");
  const option = idmapOption(mount)!;
  const parsed = parseIdmapOption(option, config.linux);
  const pointer = `${at}/options/${mount.options!.indexOf(option)}`;
  if (typeof parsed === "string") {
    fault(into, pointer, `invalid mappings: ${parsed}`, option, "idmap=uids=FROM-TO-COUNT#...;gids=FROM-TO-COUNT#...");
    return;
  }
  if (mount.uidMappings?.length || mount.gidMappings?.length) fault(into, pointer, "the mount has mappings of its own");
  if (!bind) fault(into, at, "id-mapped mounts are only supported for bind-mounts");
  checkMappings(parsed.uids, pointer, into);
  checkMappings(parsed.gids, pointer, into);
}
