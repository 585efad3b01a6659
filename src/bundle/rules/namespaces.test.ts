import { namespaces, testRows } from "../document-table.ts";

testRows([
  ["every type of namespace is accepted", { ...namespaces("pid", "network", "mount", "ipc", "uts", "cgroup", "time") }],
  [
    "an unknown type is refused",
    namespaces("mount", "foo"),
    '/linux/namespaces/1/type: namespace {"foo" ""} does not exist',
  ],
  [
    "an unknown type is told with its path",
    { "/linux/namespaces": [{ type: "foo", path: "/x" }] },
    '/linux/namespaces/0/type: namespace {"foo" "/x"} does not exist',
  ],
  [
    "a type may not occur twice",
    namespaces("pid", "mount", "pid"),
    '/linux/namespaces/2: malformed spec file: duplicated ns {"pid" ""}',
  ],
  [
    "a path is absolute",
    { "/linux/namespaces": [{ type: "mount", path: "ns/mnt" }] },
    "/linux/namespaces/0/path: namespace path is not absolute",
  ],
  ["an empty path is no path", { "/linux/namespaces": [{ type: "mount", path: "" }] }],
  [
    "a hostname needs a uts namespace",
    { "/hostname": "h" },
    "/hostname: unable to set hostname without a private UTS namespace",
  ],
  [
    "a domainname needs a uts namespace",
    { "/domainname": "d" },
    "/domainname: unable to set domainname without a private UTS namespace",
  ],
  [
    "a hostname in a joined uts namespace is accepted",
    { "/hostname": "h", "/linux/namespaces": [{ type: "uts", path: "/proc/1/ns/uts" }] },
  ],
  ["an empty hostname is no hostname", { "/hostname": "" }],
  ["a hostname may have 64 bytes", { "/hostname": "h".repeat(64), ...namespaces("uts") }],
  [
    "a hostname may not have 65 bytes",
    { "/hostname": "h".repeat(65), ...namespaces("uts") },
    "/hostname: hostname is too long",
  ],
  [
    "masked paths need a mount namespace",
    { "/linux/maskedPaths": ["/proc/kcore"], ...namespaces("pid") },
    "/linux/maskedPaths: unable to restrict sys entries without a private MNT namespace",
  ],
  [
    "read-only paths need a mount namespace",
    { "/linux/readonlyPaths": ["/proc/sys"], ...namespaces() },
    "/linux/readonlyPaths: unable to restrict sys entries without a private MNT namespace",
  ],
  ["empty lists of paths need none", { "/linux/maskedPaths": [], ...namespaces() }],
  [
    "time offsets need a time namespace",
    { "/linux/timeOffsets": { boottime: { secs: 1 } } },
    "/linux/timeOffsets: time namespace offsets specified, but time namespace isn't enabled in the config",
  ],
  [
    "a joined time namespace has its offsets already",
    {
      "/linux/timeOffsets": { monotonic: { secs: -1 } },
      "/linux/namespaces": [{ type: "time", path: "/proc/1/ns/time" }],
    },
    "/linux/timeOffsets: time namespace enabled, but both namespace path and time offsets specified -- you may only provide one",
  ],
  [
    "nanoseconds are less than a second",
    { "/linux/timeOffsets": { boottime: { nanosecs: 1e9 } }, ...namespaces("time") },
    "/linux/timeOffsets/boottime/nanosecs: invalid nanosecs",
  ],
  [
    "seconds have 64 bits",
    { "/linux/timeOffsets": { boottime: { secs: -9223372036854775808n } }, ...namespaces("time") },
  ],
]);
