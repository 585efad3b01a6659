import { testRows } from "../document-table.ts";

const device = (more: object) => ({ "/linux/devices": [{ path: "/dev/x", type: "c", major: 1, minor: 3, ...more }] });
const rule = (more: object) => ({ "/linux/resources/devices": [{ allow: true, access: "rwm", ...more }] });
const at = "/linux/resources/devices/0";

testRows([
  ["a character device is accepted", device({ fileMode: 0o666, uid: 0, gid: 0 })],
  ["a fifo has no numbers", device({ type: "p", major: undefined, minor: undefined })],
  ["a device path is absolute", device({ path: "dev/x" }), "/linux/devices/0/path: device path is not absolute"],
  ["a device has a path", device({ path: undefined }), '/linux/devices/0/path: "path" is required'],
  ["a device has a known type", device({ type: "z" }), '/linux/devices/0/type: invalid device type "z"'],
  [
    "a device has a major number",
    device({ major: undefined }),
    "/linux/devices/0/major: cannot mkdev() device with wildcards",
  ],
  [
    "a device's number is not negative",
    device({ minor: -1 }),
    "/linux/devices/0/minor: cannot mkdev() device with wildcards",
  ],
  ["a major number has 12 bits", device({ major: 4096 }), "/linux/devices/0/major: device number is too large"],
  [
    "a minor number has 20 bits",
    device({ minor: 9223372036854775807n }),
    "/linux/devices/0/minor: device number is too large",
  ],
  ["a rule may leave everything open", rule({})],
  ["a rule may have the wildcard -1", rule({ type: "c", major: -1, minor: -1 })],
  ["a rule has an access", rule({ access: undefined }), `${at}/access: device access at 0 field cannot be empty`],
  ["a rule's access is not empty", rule({ access: "" }), `${at}/access: device access at 0 field cannot be empty`],
  [
    "other letters beside them are told",
    rule({ access: "rwa" }),
    `warning ${at}/access: device access at 0 field: only the letters of "rwm" mean something`,
  ],
  ["a rule's access has known letters", rule({ access: "xyz" }), `${at}/access: device access at 0 field is invalid`],
  ["a rule has a known type", rule({ type: "z" }), `${at}/type: invalid cgroup device type "z"`],
  ["a rule's number is at least -1", rule({ major: -2 }), `${at}/major: invalid major device number`],
]);
