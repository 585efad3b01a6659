import { namespaces, testRows } from "../document-table.ts";

const move = (name: string, to?: string) => ({
  "/linux/netDevices": { [name]: { name: to } },
  ...namespaces("network"),
});
const bad = (name: string) => `invalid network device name ${JSON.stringify(name)}`;

testRows([
  ["a device is moved and renamed", move("eth0", "net%d")],
  [
    "devices need a network namespace",
    { "/linux/netDevices": { eth0: {} } },
    "/linux/netDevices: unable to move network devices without a NET namespace",
  ],
  ["no devices need none", { "/linux/netDevices": {} }],
  ["a name has 15 bytes at most", move("a".repeat(16)), `/linux/netDevices/${"a".repeat(16)}: ${bad("a".repeat(16))}`],
  ["a name has no slash", move("a/b"), `/linux/netDevices/a~1b: ${bad("a/b")}`],
  ["a name is not ..", move(".."), `/linux/netDevices/..: ${bad("..")}`],
  ["a new name has no colon", move("eth0", "a:b"), `/linux/netDevices/eth0/name: ${bad("a:b")}`],
  ["a new name has no space", move("eth0", "a b"), `/linux/netDevices/eth0/name: ${bad("a b")}`],
]);
