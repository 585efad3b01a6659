import { type Changes, namespaces, testRows } from "../document-table.ts";

const map = (containerID: number, hostID: number, size: number) => ({ containerID, hostID, size });
const mapped = (uids: unknown, gids: unknown): Changes => ({ "/linux/uidMappings": uids, "/linux/gidMappings": gids });
const user = namespaces("user", "mount");
const all = [map(0, 100000, 65536)];
const many = Array.from({ length: 341 }, (_, i) => map(i * 2, i * 2, 1));

testRows([
  ["a mapped user namespace is accepted", { ...user, ...mapped(all, all) }],
  [
    "340 mappings are accepted",
    {
      ...user,
      ...mapped(
        many
          .slice(1)
          .concat(map(0, 0, 1))
          .slice(-340),
        all,
      ),
    },
  ],
  ["341 mappings are too many", { ...user, ...mapped(many, all) }, "/linux/uidMappings: too many id mappings"],
  [
    "a user namespace needs mappings",
    user,
    "/linux/namespaces: user namespaces enabled, but no namespace path to join nor mappings to apply specified",
  ],
  [
    "mappings need a user namespace",
    mapped(all, all),
    "/linux/uidMappings: user namespace mappings specified, but user namespace isn't enabled in the config",
  ],
  [
    "a joined user namespace has mappings already",
    { ...mapped(all, all), "/linux/namespaces": [{ type: "user", path: "/proc/1/ns/user" }] },
    "warning /linux/uidMappings: config.json has both a userns path to join and a userns mapping specified: they have to be the same",
  ],
  [
    "container root has to be mapped",
    { ...user, ...mapped([map(1, 1, 9)], all) },
    "/linux/uidMappings: user namespaces enabled, but no mapping found for uid 0",
  ],
  [
    "group mappings are needed too",
    { ...user, ...mapped(all, []) },
    "/linux/gidMappings: user namespaces enabled, but no mapping found for gid 0",
  ],
  [
    "the user has to be mapped",
    { ...user, ...mapped(all, all), "/process/user/uid": 65536 },
    "/process/user/uid: cannot setuid to unmapped uid 65536 in user namespace",
  ],
  [
    "the group has to be mapped",
    { ...user, ...mapped(all, all), "/process/user/gid": 65536 },
    "/process/user/gid: cannot setgid to unmapped gid 65536 in user namespace",
  ],
  [
    "additional groups have to be mapped",
    { ...user, ...mapped(all, all), "/process/user/additionalGids": [1, 70000] },
    "/process/user/additionalGids/1: cannot set additional unmapped gid 70000 in user namespace",
  ],
  [
    "a mapping has a size",
    { ...user, ...mapped([map(0, 0, 1), map(5, 5, 0)], all) },
    "/linux/uidMappings/1/size: id mapping of size 0",
  ],
  [
    "a mapping may not wrap",
    { ...user, ...mapped([map(0, 4294967295, 1)], all) },
    "/linux/uidMappings/0/size: id mapping goes beyond the last id",
  ],
  ["a mapping may end at the last id", { ...user, ...mapped([map(0, 4294967294, 1)], all) }],
  [
    "container ranges may not overlap",
    { ...user, ...mapped([map(0, 0, 10), map(9, 50, 1)], all) },
    "/linux/uidMappings/1/containerID: id mapping overlaps /linux/uidMappings/0 in the container",
  ],
  [
    "host ranges may not overlap",
    { ...user, ...mapped(all, [map(0, 5, 10), map(10, 0, 6)]) },
    "/linux/gidMappings/1/hostID: id mapping overlaps /linux/gidMappings/0 on the host",
  ],
  ["ranges may touch", { ...user, ...mapped([map(0, 0, 10), map(10, 10, 1)], all) }],
]);
