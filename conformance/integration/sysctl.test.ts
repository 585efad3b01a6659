import { expect, test } from "bun:test";
import { hostname } from "node:os";
import { type Config, withoutNamespace } from "./bundle.ts";
import { containers } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { prints, run } = containers("sysctl");

test("the hostname is the config's, and the machine keeps its own", () => {
  const before = hostname();
  expect(
    prints("hostname", (config) => {
      config.hostname = "mine.example";
    }),
  ).toBe("mine.example");
  expect(hostname()).toBe(before);
});

test("without a hostname the new namespace has the caller's", () => {
  expect(
    prints("hostname", (config) => {
      config.hostname = undefined;
    }),
  ).toBe(hostname());
});

needs("domainname")("the domain name is the config's", () => {
  expect(
    prints("cat /proc/sys/kernel/domainname", (config) => {
      config.domainname = "example.org";
    }),
  ).toBe("example.org");
});

const allowed: [key: string, value: string][] = [
  ["kernel.msgmax", "8000"],
  ["kernel.shmmni", "4000"],
  ["kernel.sem", "32000\t1024000000\t500\t31999"],
  ["fs.mqueue.queues_max", "99"],
  ["net.ipv4.ip_forward", "1"],
  ["net.ipv4.conf.lo.forwarding", "1"],
  ["kernel.domainname", "example.org"],
];

for (const [key, value] of allowed) {
  needs(...(key === "kernel.domainname" ? (["root"] as const) : []))(`${key} is set`, () => {
    const path = `/proc/sys/${key.replaceAll(".", "/")}`;
    expect(
      prints(`cat ${path}`, (config) => {
        config.linux.sysctl = { [key]: value };
      }),
    ).toBe(value);
  });
}

test("a key with slashes is the same key", () => {
  expect(
    prints("cat /proc/sys/net/ipv4/ip_forward", (config) => {
      config.linux.sysctl = { "net/ipv4/ip_forward": "1" };
    }),
  ).toBe("1");
});

const refused: [name: string, key: string, edit?: (config: Config) => void][] = [
  ["one that isn't in a namespace", "kernel.panic"],
  ["one that looks like a namespaced one", "kernel.msgmaxx"],
  ["a net one without a network namespace", "net.ipv4.ip_forward", (config) => withoutNamespace(config, "network")],
  ["an ipc one without an ipc namespace", "kernel.msgmax", (config) => withoutNamespace(config, "ipc")],
  ["the hostname, which has its own field", "kernel.hostname"],
  ["one that leaves its directory", "net/../kernel/panic"],
  ["one with an empty name", ""],
];

for (const [name, key, edit] of refused) {
  test(`refuses ${name}`, () => {
    const outcome = run("echo ran", (config) => {
      config.linux.sysctl = { [key]: "1" };
      edit?.(config);
    });
    expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
    expect(complaint(outcome)).toContain(key.slice(key.lastIndexOf("/") + 1));
  });
}

needs("stricter than runc")("refuses a value of two lines", () => {
  expect(
    run("true", (config) => {
      config.linux.sysctl = { "kernel.msgmax": "1\n2" };
    }).code,
  ).toBe(1);
});

test("refuses one of the network when the namespace to join is the caller's own", () => {
  const outcome = run("echo ran", (config) => {
    withoutNamespace(config, "network");
    config.linux.namespaces.push({ type: "network", path: `/proc/${process.pid}/ns/net` });
    config.linux.sysctl = { "net.ipv4.ip_forward": "1" };
  });
  expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
  expect(complaint(outcome)).toMatch(/net\.ipv4\.ip_forward"? (is )?not allowed in host network namespace/);
});

needs("json pointers")("says which key it refuses", () => {
  const outcome = run("true", (config) => {
    config.linux.sysctl = { "kernel.panic": "1" };
  });
  expect(outcome.stderr).toContain("/linux/sysctl/kernel.panic");
});
