import { afterEach, expect } from "bun:test";
import { existsSync } from "node:fs";
import { type Edit, put } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { bundle, prints, run, runBundle, runtime, running, tag } = containers("netdev");

/** Of this test file alone; 15 bytes is the limit. */
const device = `v${tag.slice(-6)}`.toLowerCase();
const namespace = `n${device}`;

const ip = (...args: string[]) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["ip", ...args]);
  if (exitCode !== 0) throw new Error(`ip ${args.join(" ")}: ${stderr}`);
  return stdout.toString();
};
const onHost = (name: string) => existsSync(`/sys/class/net/${name}`);
const makeDevice = () => ip("link", "add", device, "type", "veth", "peer", "name", `${device}p`);

const moves =
  (devices: Record<string, object>): Edit =>
  (config) =>
    put(config, "/linux/netDevices", devices);

afterEach(() => {
  // The peer goes with it; a device that goes with its namespace takes the peer along, sooner or later.
  if (onHost(`${device}p`)) Bun.spawnSync(["ip", "link", "delete", `${device}p`]);
  expect(onHost(`${device}p`)).toBe(false);
  if (existsSync(`/run/netns/${namespace}`)) ip("netns", "delete", namespace);
});

needs("netDevices", "veth devices")("a device is the container's, and the host has it no more", () => {
  makeDevice();
  const of = running(moves({ [device]: {} }));
  expect(onHost(device)).toBe(false);
  succeeded(runtime(["delete", "--force", of.id]));
});

needs("netDevices", "veth devices")(
  "a device comes renamed and up, with its MTU, hardware address and addresses",
  () => {
    makeDevice();
    ip("link", "set", device, "mtu", "1789", "address", "02:11:22:33:44:55");
    ip("address", "add", "192.0.2.7/24", "dev", device);
    ip("address", "add", "2001:db8::7/64", "dev", device);
    ip("address", "add", "127.0.0.33/32", "dev", device);
    ip("address", "add", "2001:db8::9/64", "dev", device, "valid_lft", "100", "preferred_lft", "100");
    const seen = prints("ip address show dev moved0", moves({ [device]: { name: "moved0" } }));
    expect(seen).toContain("mtu 1789");
    expect(seen).toContain("link/ether 02:11:22:33:44:55");
    expect(seen).toContain("inet 192.0.2.7/24");
    expect(seen).toContain("inet6 2001:db8::7/64 scope global");
    expect(seen).toMatch(/<[^>]*\bUP\b/);
    // Of the host's own scope, and for a while only.
    expect(seen).not.toContain("127.0.0.33");
    expect(seen).not.toContain("2001:db8::9");
  },
);

needs("netDevices", "veth devices")("a device that is moved can be set by a sysctl, and hooks find it there", () => {
  makeDevice();
  const seen = prints("cat /proc/sys/net/ipv4/conf/moved0/forwarding; ip link show moved0", (config) => {
    moves({ [device]: { name: "moved0" } })(config);
    put(config, "/linux/sysctl", { "net/ipv4/conf/moved0/forwarding": "1" });
    const script = "pid=$(sed 's/.*\"pid\":\\([0-9]*\\).*/\\1/'); nsenter -t $pid -n ip link set moved0 mtu 1400";
    config.hooks = {
      createRuntime: [{ path: "/bin/sh", args: ["sh", "-c", script], env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"] }],
    };
  });
  expect(seen).toMatch(/^1\n/);
  expect(seen).toContain("mtu 1400");
});

needs("netDevices", "veth devices")("a device stays in a namespace that the container only joined", () => {
  makeDevice();
  ip("netns", "add", namespace);
  ip("address", "add", "192.0.2.7/24", "dev", device);
  const seen = prints(`ip address show dev ${device}`, (config) => {
    moves({ [device]: {} })(config);
    for (const one of config.linux.namespaces) if (one.type === "network") one.path = `/run/netns/${namespace}`;
  });
  expect(seen).toContain("inet 192.0.2.7/24");
  expect(ip("-n", namespace, "address", "show", "dev", device)).toContain("inet 192.0.2.7/24");
});

needs("netDevices", "veth devices")("a container in a user namespace gets its device", () => {
  makeDevice();
  const seen = prints("cat /proc/net/dev", (config) => {
    moves({ [device]: { name: "moved0" } })(config);
    config.linux.namespaces.push({ type: "user" });
    const mappings = [{ containerID: 0, hostID: 100_000, size: 1000 }];
    put(config, "/linux/uidMappings", mappings);
    put(config, "/linux/gidMappings", mappings);
  });
  expect(seen).toContain("moved0:");
});

needs("netDevices", "veth devices")("a container that can't be created leaves its devices as they were", () => {
  makeDevice();
  ip("address", "add", "192.0.2.7/24", "dev", device);
  ip("link", "set", device, "up");
  ip("address", "add", "2001:db8::7/64", "dev", device);
  const of = bundle("true", (config) => {
    moves({ [device]: { name: "moved0" } })(config);
    config.hooks = { createRuntime: [{ path: "/bin/false" }] };
  });
  expect(runBundle(of).code).toBe(1);
  const back = ip("address", "show", "dev", device);
  expect(back).toContain("inet 192.0.2.7/24");
  expect(back).toContain("inet6 2001:db8::7/64");
  expect(back).toMatch(/<[^>]*\bUP\b/);
});

needs("netDevices", "veth devices")("when a second device can't be moved the first comes back", () => {
  makeDevice();
  // "lo" is of its namespace for ever.
  const outcome = run("true", moves({ [device]: { name: "moved0" }, lo: { name: "moved1" } }));
  expect(outcome.code).toBe(1);
  expect(complaint(outcome)).toContain("/linux/netDevices/lo");
  expect(onHost(device)).toBe(true);
});

const refused: [name: string, devices: Record<string, object>, said: RegExp][] = [
  ["that isn't there", { "no-such-dev": {} }, /link not found for interface no-such-dev.*ENODEV.*\/linux\/netDevices/],
  ["with a name that is none", { "a/b": {} }, /invalid network device name/],
  ["with a new name that is too long", { lo: { name: "0123456789abcdef" } }, /invalid network device name/],
];

for (const [name, devices, said] of refused) {
  needs("netDevices")(`a device ${name} is refused before anything is made`, () => {
    const outcome = run("echo ran", moves(devices));
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(complaint(outcome)).toMatch(said);
  });
}

needs("netDevices")("a device without a network namespace is refused", () => {
  const outcome = run("echo ran", (config) => {
    moves({ lo: {} })(config);
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "network");
  });
  expect(outcome).toMatchObject({ code: 1, stdout: "" });
  expect(complaint(outcome)).toContain("without a NET namespace");
});
