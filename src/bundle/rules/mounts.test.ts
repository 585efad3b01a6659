import { namespaces, testRows } from "../document-table.ts";

const one = (mount: object) => ({ "/mounts": [{ destination: "/d", ...mount }] });
const bind = (more: object = {}, ...options: string[]) => one({ source: "/s", options: ["bind", ...options], ...more });
const data = "bind mounts cannot have any filesystem-specific options applied: ignored";
const ids = [{ containerID: 0, hostID: 1000, size: 1 }];
const maps = { uidMappings: ids, gidMappings: ids };

testRows([
  [
    "a tmpfs with data is accepted",
    one({ type: "tmpfs", source: "tmpfs", options: ["nosuid", "size=1k", "mode=755"] }),
  ],
  ["a bind mount with flags is accepted", bind({}, "ro", "nosuid", "rprivate", "rro", "nosymfollow")],
  [
    "a destination may not be empty",
    one({ destination: "", type: "tmpfs" }),
    "/mounts/0/destination: mount destination must not be empty",
  ],
  [
    "a relative destination is told",
    one({ destination: "d", type: "tmpfs" }),
    "warning /mounts/0/destination: mount destination d is not absolute. Support for non-absolute mount destinations will be removed in a future release.",
  ],
  [
    "a destination may not be the root",
    one({ destination: "/", type: "tmpfs" }),
    '/mounts/0/destination: mountpoint "/" is on the top of rootfs',
  ],
  [
    "nor what comes out there",
    one({ destination: "/x/..", type: "tmpfs" }),
    '/mounts/0/destination: mountpoint "/" is on the top of rootfs',
  ],
  ["a destination that climbs is clamped", one({ destination: "/../../tmp", type: "tmpfs" })],
  [
    "nothing is mounted inside /proc",
    one({ destination: "/proc/sys", type: "tmpfs" }),
    '/mounts/0/destination: "/proc/sys" cannot be mounted because it is inside /proc',
  ],
  [
    "not by another spelling either",
    bind({ destination: "//proc/./../proc/self" }),
    '/mounts/0/destination: "/proc/self" cannot be mounted because it is inside /proc',
  ],
  ["what lxcfs provides may be", bind({ destination: "/proc/cpuinfo" })],
  [
    "/proc is of type proc",
    one({ destination: "/proc", type: "tmpfs" }),
    '/mounts/0/destination: "/proc" cannot be mounted because it is not of type proc',
  ],
  ["or a bind mount", bind({ destination: "/proc" })],
  ["/process is not inside /proc", one({ destination: "/process", type: "tmpfs" })],
  ["a bind mount needs a source", bind({ source: "" }), "/mounts/0/source: bind mount without a source"],
  ["a bind mount takes no data", bind({}, "ro", "size=1k"), `warning /mounts/0/options/2: ${data}`],
  ["words joined by a space are data", bind({}, "ro nosuid"), `warning /mounts/0/options/1: ${data}`],
  ["defaults is no data", bind({}, "defaults")],
  [
    "bind is an option, not a type",
    one({ type: "bind", source: "/s" }),
    '/mounts/0/type: error mounting "/s" to rootfs at "/d": no such device',
  ],
  [
    "none is not a type without bind",
    one({ type: "none", source: "/s" }),
    '/mounts/0/type: error mounting "/s" to rootfs at "/d": no such device',
  ],
  [
    "a mount needs a type",
    one({ source: "x" }),
    '/mounts/0/type: error mounting "x" to rootfs at "/d": no such device',
  ],
  ["a remount needs none", one({ options: ["remount", "ro"] })],
  ["a mapped bind mount is accepted", bind(maps)],
  [
    "only bind mounts are mapped",
    one({ type: "tmpfs", ...maps }),
    "/mounts/0: id-mapped mounts are only supported for bind-mounts",
  ],
  [
    "both ids are mapped",
    bind({ uidMappings: ids }),
    "/mounts/0: id-mapped mounts must have both uid and gid mappings specified",
  ],
  [
    "idmap needs mappings",
    bind({}, "idmap"),
    "/mounts/0: id-mapped mounts must have both uid and gid mappings specified",
  ],
  [
    "idmap may take those of the user namespace",
    { ...bind({}, "ridmap"), ...namespaces("user", "mount"), "/linux/uidMappings": ids, "/linux/gidMappings": ids },
  ],
  [
    "a mount's mappings are checked as the namespace's are",
    bind({ uidMappings: [{ containerID: 0, hostID: 0, size: 0 }], gidMappings: ids }),
    "/mounts/0/uidMappings/0/size: id mapping of size 0",
  ],
]);
