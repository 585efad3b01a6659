/** The mount option `idmap=uids=C-H-L#C-H-L;gids=C-H-L` of crun's: the mappings of an id-mapped mount. */
import type { Config, LinuxIDMapping, Mount } from "./config.ts";

const PREFIX = "idmap=";

export interface MountMappings {
  readonly uids: readonly LinuxIDMapping[];
  readonly gids: readonly LinuxIDMapping[];
}

/** The option among a mount's, if there is one. */
export function idmapOption(mount: Mount): string | undefined {
  const { options } = mount;
  if (options === undefined) return undefined;
  for (const option of options) if (option.startsWith(PREFIX)) return option;
  return undefined;
}

/**
 * Reads the option: an id on the file system, what it is to be, and how many. A list that begins with @ has ids of the
 * container's user namespace in the second place.
 *
 * @returns what is wrong with it, otherwise.
 */
export function parseIdmapOption(option: string, linux: Config["linux"]): MountMappings | string {
  let uids: LinuxIDMapping[] | undefined;
  let gids: LinuxIDMapping[] | undefined;
  for (const part of option.slice(PREFIX.length).split(";")) {
    const equals = part.indexOf("=");
    const name = part.slice(0, equals);
    const container = name === "uids" ? linux?.uidMappings : linux?.gidMappings;
    const list = parseList(part.slice(equals + 1), container ?? []);
    if (typeof list === "string") return `${list} in ${JSON.stringify(part)}`;
    if (name === "uids" && uids === undefined) uids = list;
    else if (name === "gids" && gids === undefined) gids = list;
    else return `neither uids= nor gids=, or twice: ${JSON.stringify(part)}`;
  }
  if (uids === undefined || gids === undefined) return "both uids= and gids= are needed";
  return { uids, gids };
}

function parseList(text: string, container: readonly LinuxIDMapping[]): LinuxIDMapping[] | string {
  const relative = text.startsWith("@");
  const list: LinuxIDMapping[] = [];
  for (const triple of (relative ? text.slice(1) : text).split("#")) {
    const numbers = triple.split("-").map((digits) => (/^[0-9]{1,10}$/.test(digits) ? Number(digits) : Number.NaN));
    const [containerID, inside, size] = numbers as [number, number, number];
    if (numbers.length !== 3 || !numbers.every((number) => number < 2 ** 32)) {
      return `no mapping FROM-TO-COUNT: ${JSON.stringify(triple)}`;
    }
    const hostID = relative ? onHost(inside, size, container) : inside;
    if (hostID === undefined) return `ids that the container's user namespace does not map: ${JSON.stringify(triple)}`;
    list.push({ containerID, hostID, size });
  }
  return list;
}

/** The host's ids of a range of the container's, which must lie in one mapping. */
function onHost(id: number, size: number, mappings: readonly LinuxIDMapping[]): number | undefined {
  for (const { containerID, hostID, size: mapped } of mappings) {
    if (id >= containerID && id + size <= containerID + mapped) return hostID + id - containerID;
  }
  return undefined;
}

/** The config with such options as the mappings that the specification has for them. The options must be right. */
export function withMountMappings(config: Config): Config {
  const mounts = config.mounts!.map((mount): Mount => {
    const option = idmapOption(mount);
    if (option === undefined) return mount;
    const parsed = parseIdmapOption(option, config.linux) as MountMappings;
    const options = mount.options!.map((one) => (one === option ? "idmap" : one));
    return { ...mount, options, uidMappings: parsed.uids, gidMappings: parsed.gids };
  });
  return { ...config, mounts };
}
