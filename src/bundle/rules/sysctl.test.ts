import { expect, test } from "bun:test";
import { namespaces, testRows } from "../document-table.ts";
import { dotted } from "./sysctl.ts";

const set = (key: string, value = "1") => ({ "/linux/sysctl": { [key]: value } });
const at = (key: string) => `/linux/sysctl/${key.replaceAll("/", "~1")}`;
const climbs = (key: string, name: string) => `${at(key)}: sysctl "${name}" has an empty, "." or ".." component`;

test.each([
  ["net.ipv4.ip_forward", "net.ipv4.ip_forward"],
  ["net/ipv4/conf/eno2.100/rp_filter", "net.ipv4.conf.eno2/100.rp_filter"],
  ["net.ipv4.conf.eno2/100.rp_filter", "net.ipv4.conf.eno2/100.rp_filter"],
  ["", ""],
])("the key %p is %p with dots", (key, expected) => {
  expect(dotted(key)).toBe(expected);
});

testRows([
  ["ipc settings belong to an ipc namespace", { ...set("kernel.shmmax"), ...namespaces("ipc") }],
  ["message queues too", { ...set("fs.mqueue.msg_max"), ...namespaces("ipc") }],
  [
    "ipc settings need an ipc namespace",
    set("kernel.sem"),
    `${at("kernel.sem")}: sysctl "kernel.sem" is not allowed in the hosts ipc namespace`,
  ],
  ["network settings belong to a network namespace", { ...set("net/ipv4/ip_forward"), ...namespaces("network") }],
  [
    "network settings need a network namespace",
    set("net.core.somaxconn"),
    `${at("net.core.somaxconn")}: sysctl "net.core.somaxconn" not allowed in host network namespace`,
  ],
  ["the domain name belongs to a uts namespace", { ...set("kernel.domainname"), ...namespaces("uts") }],
  [
    "the domain name needs a uts namespace",
    set("kernel.domainname"),
    `${at("kernel.domainname")}: sysctl "kernel.domainname" is not in a separate kernel namespace`,
  ],
  [
    "the host name has its own field",
    { ...set("kernel.hostname"), ...namespaces("uts") },
    `${at("kernel.hostname")}: sysctl "kernel.hostname" is not allowed as it conflicts with the OCI "hostname" field`,
  ],
  [
    "user limits need a user namespace",
    set("user.max_net_namespaces"),
    `${at("user.max_net_namespaces")}: setting ucounts without a user namespace not allowed: user.max_net_namespaces`,
  ],
  [
    "anything else is the host's",
    set("vm.swappiness"),
    `${at("vm.swappiness")}: sysctl "vm.swappiness" is not in a separate kernel namespace`,
  ],
  [
    "a key that climbs out with slashes is refused",
    { ...set("net/../kernel/panic"), ...namespaces("network") },
    climbs("net/../kernel/panic", "net.//.kernel.panic"),
  ],
  [
    "a key that climbs out with dots is refused",
    { ...set("net.ipv4.../../x"), ...namespaces("network") },
    climbs("net.ipv4.../../x", "net.ipv4.../../x"),
  ],
  ["an empty component is refused", { ...set("net..x"), ...namespaces("network") }, climbs("net..x", "net..x")],
  ["an empty key is refused", set(""), climbs("", "")],
  [
    "__proto__ is a key like any other",
    { "/linux/sysctl": JSON.parse('{"__proto__":"1"}') },
    '/linux/sysctl/__proto__: sysctl "__proto__" is not in a separate kernel namespace',
  ],
  [
    "a value has no newline",
    { ...set("net.x", "1\n2"), ...namespaces("network") },
    `${at("net.x")}: value of sysctl "net.x" contains a newline`,
  ],
]);
