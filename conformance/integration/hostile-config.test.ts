/** Parts of config.json that many hands write: mounts, variables, annotations. Recipes against known flaws of runtimes. */
import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Edit, grant, put } from "./bundle.ts";
import { containers } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, bundle, prints, run, runBundle, runtime } = containers("config");

const fakeExec = join(base, "fake-exec");
writeFileSync(fakeExec, "");

const inProc: [name: string, edit: Edit][] = [
  [
    "a bind of /etc on /proc",
    (config) => config.mounts.push({ destination: "/proc", source: "/etc", options: ["bind"] }),
  ],
  [
    "a bind of a file on /proc/self/attr/exec",
    (config) => config.mounts.push({ destination: "/proc/self/attr/exec", source: fakeExec, options: ["bind"] }),
  ],
  [
    "a bind over a sysctl",
    (config) => config.mounts.push({ destination: "/proc/sys/kernel/hostname", source: fakeExec, options: ["bind"] }),
  ],
];

for (const [name, edit] of inProc) {
  needs("guarded /proc")(`CVE-2019-16884: ${name} is refused`, () => {
    const outcome = run("echo ran", edit);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(complaint(outcome)).toContain("/mounts/5");
  });
}

test("CVE-2026-115521: what is read-only is so without a /proc, whatever the image has in its place", () => {
  const shared = join(base, "shared");
  mkdirSync(shared);
  const of = bundle("touch /x; touch /bind/x; echo done", (config) => {
    config.root.readonly = true;
    config.mounts = config.mounts.filter(({ type }) => type !== "proc");
    config.mounts.push({ destination: "/bind", source: shared, options: ["bind", "ro"] });
    config.linux.maskedPaths = [];
    config.linux.readonlyPaths = [];
  });
  mkdirSync(join(of.rootfs, "proc/self/fd"), { recursive: true });
  for (let fd = 3; fd < 64; fd++) symlinkSync("/etc", join(of.rootfs, `proc/self/fd/${fd}`));
  const outcome = runBundle(of);
  expect(outcome.stdout).toBe("done\n");
  expect(outcome.stderr.match(/Read-only file system/g)).toHaveLength(2);
});

const inUserNamespace: Edit = (config) => {
  config.linux.namespaces.push({ type: "user" });
  for (const field of ["uidMappings", "gidMappings"])
    put(config, `/linux/${field}`, [{ containerID: 0, hostID: 100_000, size: 1000 }]);
};
const inCgroupNamespace: Edit = (config) => config.linux.namespaces.push({ type: "cgroup" });

const places: [name: string, edits: Edit[]][] = [
  ["", []],
  [" in a cgroup namespace", [inCgroupNamespace]],
  [" in a user namespace", [inUserNamespace]],
  [" in both", [inCgroupNamespace, inUserNamespace]],
];

for (const [name, edits] of places) {
  needs(...(edits.includes(inUserNamespace) ? (["root"] as const) : []))(
    `CVE-2022-0492: read-only cgroups are that${name}`,
    () => {
      const script =
        "for d in /sys/fs/cgroup /sys/fs/cgroup/*/; do mkdir $d/x && echo made; echo x >$d/release_agent && echo wrote; done";
      const outcome = run(`(${script}) 2>/dev/null; ls /sys/fs/cgroup | head -n 1`, (config) => {
        const options = ["nosuid", "noexec", "nodev", "relatime", "ro"];
        config.mounts.push({ destination: "/sys/fs/cgroup", type: "cgroup", source: "cgroup", options });
        for (const edit of edits) edit(config);
      });
      expect(outcome.code).toBe(0);
      expect(outcome.stdout).not.toMatch(/made|wrote/);
      expect(outcome.stdout).not.toBe("");
    },
  );
}

/** As many components as there can be: going over each from the start takes hours. */
const deep = `/${"d/".repeat(35_000)}`;

const huge: [name: string, edit: Edit][] = [
  [
    "a mount's source that is too deep",
    (config) => config.mounts.push({ destination: "/m", source: deep, options: ["bind"] }),
  ],
  ["a mount's destination that is too deep", (config) => config.mounts.push({ destination: deep, type: "tmpfs" })],
  ["a working directory that is too deep", (config) => put(config, "/process/cwd", deep)],
  ["a masked path that is too deep", (config) => put(config, "/linux/maskedPaths", [deep])],
  ["a read-only path that is too deep", (config) => put(config, "/linux/readonlyPaths", [deep])],
  ["a root that is too deep", (config) => put(config, "/root/path", deep)],
  ["a cgroup that is too deep", (config) => put(config, "/linux/cgroupsPath", deep)],
  ["a namespace's path that is too deep", (config) => put(config, "/linux/namespaces/0/path", deep)],
  [
    "a device that is too deep",
    (config) => put(config, "/linux/devices", [{ path: `${deep}x`, type: "c", major: 1, minor: 3 }]),
  ],
  [
    "10 000 namespaces",
    (config) =>
      put(
        config,
        "/linux/namespaces",
        Array.from({ length: 10_000 }, () => ({ type: "pid" })),
      ),
  ],
  ["a variable of 1 MiB", (config) => (config.process.env as string[]).push(`BIG=${"x".repeat(1 << 20)}`)],
];

for (const [name, edit] of huge) {
  needs("stricter than runc")(`CVE-2021-43784: ${name} is a clean error`, () => {
    const outcome = run("echo ran", edit);
    expect(outcome).toMatchObject({ code: 1, stdout: "", hung: false });
    expect(outcome.stderr).toMatch(/level=error/);
  });
}

/** To systemd they are properties, by design; that one it refuses. */
needs("cgroupfs driver")("CVE-2022-0811: annotations that mean something to others are text", () => {
  const hit = join(base, "hit");
  const seen = prints(`test -e ${hit} || echo ran`, (config) => {
    config.annotations = {
      "org.systemd.property.ExecStopPost": `[('/bin/touch', ['touch', '${hit}'], false)]`,
      "org.criu.config": "/nope",
      "run.oci.handler": "krun",
    };
  });
  expect(seen).toBe("ran");
  expect(() => readFileSync(hit)).toThrow("ENOENT");
});

test("without pivot_root a procfs that nobody masked can't be mounted anew", () => {
  const of = bundle("unshare -mrpf sh -c 'mount -t proc none /proc' 2>&1; echo $?", (config) => {
    grant(config, "CAP_SYS_ADMIN");
    config.process.noNewPrivileges = false;
  });
  const outcome = runtime(["run", "--no-pivot", "--bundle", of.dir, of.id]);
  expect(outcome.stdout).toMatch(/Operation not permitted\n1\n$/);
});

test("without a mount namespace the host's mounts propagate as before", () => {
  const shared = () => readFileSync("/proc/self/mountinfo", "utf8").match(/ (shared|master):\d+/g)?.length ?? 0;
  const before = shared();
  run("true", (config) => {
    config.linux.namespaces = config.linux.namespaces.filter(({ type }) => type !== "mount");
    config.linux.maskedPaths = [];
    config.linux.readonlyPaths = [];
  });
  expect(shared()).toBe(before);
});
