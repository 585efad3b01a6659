import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Config, type Edit, withoutDev } from "./bundle.ts";
import { containers } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { bundle, prints, run, runBundle } = containers("rootfs");

test("a read-only root can't be written, what is mounted below can", () => {
  const script = "touch /x 2>/dev/null || echo refused; echo y >/dev/shm/y && echo written";
  const readonly: Edit = (config) => {
    config.root.readonly = true;
  };
  expect(prints(script, readonly)).toBe("refused\nwritten");
});

test("a writable root keeps what is written", () => {
  const of = bundle("echo kept >/kept");
  runBundle(of);
  expect(readFileSync(join(of.rootfs, "kept"), "utf8")).toBe("kept\n");
});

test("the old root can't be reached", () => {
  expect(prints("cd /; cd ../../..; ls -d bin boot 2>/dev/null; awk '{print $5}' /proc/self/mountinfo | head -1")).toBe(
    "bin\n/",
  );
});

const masks: [name: string, script: string, expected: string][] = [
  ["a masked file is empty", "cat /etc/secret | wc -c", "0"],
  ["a masked file is a null device", "stat -c %F /etc/secret", "character special file"],
  ["a masked directory is empty", "ls -A /secrets | wc -l", "0"],
  ["a masked directory can't be written", "touch /secrets/x 2>/dev/null || echo refused", "refused"],
  ["the target of a masked symlink is masked", "cat /etc/target | wc -c", "0"],
  ["a missing masked path is skipped", "ls /nope 2>/dev/null || echo missing", "missing"],
];

for (const [name, script, expected] of masks) {
  test(name, () => {
    const of = bundle(script, (config) => {
      config.linux.maskedPaths = ["/etc/secret", "/secrets", "/etc/secret", "/nope", "/etc/link"];
    });
    mkdirSync(join(of.rootfs, "secrets"));
    for (const file of ["etc/secret", "etc/target", "secrets/file"]) writeFileSync(join(of.rootfs, file), "SECRET");
    symlinkSync("target", join(of.rootfs, "etc/link"));
    const outcome = runBundle(of);
    expect(outcome.stderr).toBe("");
    expect(outcome.stdout.trim()).toBe(expected);
  });
}

needs("one mask")("a path that is masked twice is one mount", () => {
  const count = "grep -c ' /etc/secret ' /proc/mounts";
  const of = bundle(count, (config) => {
    config.linux.maskedPaths = ["/etc/secret", "/etc/secret"];
  });
  writeFileSync(join(of.rootfs, "etc/secret"), "SECRET");
  expect(runBundle(of).stdout.trim()).toBe("1");
});

const readonlyPaths =
  (...paths: string[]): Edit =>
  (config) => {
    config.linux.readonlyPaths = paths;
  };

test("a read-only directory can be read and not written", () => {
  expect(prints("ls /etc; touch /etc/x 2>/dev/null || echo refused", readonlyPaths("/etc"))).toBe(
    "group\npasswd\nrefused",
  );
});

test("a read-only file can't be written, its neighbour can", () => {
  const script = "echo x >>/etc/passwd || echo refused; echo y >>/etc/group && echo written";
  expect(prints(`(${script}) 2>/dev/null`, readonlyPaths("/etc/passwd"))).toBe("refused\nwritten");
});

test("a missing read-only path is skipped", () => {
  expect(prints("echo ran", readonlyPaths("/nope", "/etc/nope"))).toBe("ran");
});

needs("one mask")("masked directories share one file system", () => {
  const of = bundle("stat -c %d /a /b /c", (config) => {
    config.linux.maskedPaths = ["/a", "/etc/secret", "/b", "/c"];
  });
  for (const name of ["a", "b", "c"]) mkdirSync(join(of.rootfs, name));
  const numbers = runBundle(of).stdout.trim().split("\n");
  expect(numbers).toHaveLength(3);
  expect(new Set(numbers).size).toBe(1);
});

test("without masks and read-only paths nothing is covered", () => {
  const open: Edit = (config) => Object.assign(config.linux, { maskedPaths: undefined, readonlyPaths: undefined });
  expect(prints(`awk '$5 ~ "^/proc/." {print $5}' /proc/self/mountinfo`, open)).toBe("");
});

const nodes: [path: string, numbers: string][] = [
  ["null", "1:3"],
  ["zero", "1:5"],
  ["full", "1:7"],
  ["random", "1:8"],
  ["urandom", "1:9"],
  ["tty", "5:0"],
];

needs("root")("the default devices are there, for everybody, and with their numbers", () => {
  const script = nodes.map(([name]) => `stat -c '%F %t:%T %a %u' /dev/${name}`).join(";");
  expect(prints(script).split("\n")).toEqual(nodes.map(([, numbers]) => `character special file ${numbers} 666 0`));
});

test("the usual symlinks are in /dev", () => {
  const links = {
    fd: "/proc/self/fd",
    stdin: "/proc/self/fd/0",
    stdout: "/proc/self/fd/1",
    stderr: "/proc/self/fd/2",
    ptmx: "pts/ptmx",
  };
  const script = Object.keys(links)
    .map((name) => `readlink /dev/${name}`)
    .join(";");
  expect(prints(script).split("\n")).toEqual(Object.values(links));
});

const device =
  (entry: Record<string, unknown>): Edit =>
  (config) => {
    config.linux.devices = [entry];
    config.linux.resources = { devices: [{ allow: true, access: "rwm" }] };
  };

const devices: [name: string, entry: Record<string, unknown>, script: string, expected: string][] = [
  [
    "a character device",
    { path: "/dev/mine", type: "c", major: 1, minor: 3, fileMode: 0o600, uid: 7, gid: 8 },
    "stat -c '%F %t:%T %a %u:%g' /dev/mine",
    "character special file 1:3 600 7:8",
  ],
  [
    "a device of type u",
    { path: "/dev/mine", type: "u", major: 1, minor: 5 },
    "stat -c '%F %t:%T' /dev/mine",
    "character special file 1:5",
  ],
  [
    "a block device",
    { path: "/dev/disk", type: "b", major: 7, minor: 99, fileMode: 0o660 },
    "stat -c '%F %t:%T %a' /dev/disk",
    "block special file 7:63 660",
  ],
  ["a fifo", { path: "/dev/pipe", type: "p", fileMode: 0o644 }, "stat -c '%F %a' /dev/pipe", "fifo 644"],
  [
    "a device in a directory that isn't there",
    { path: "/dev/net/deep/mine", type: "c", major: 1, minor: 3 },
    "stat -c %t:%T /dev/net/deep/mine",
    "1:3",
  ],
  ["a device outside /dev", { path: "/tmp/mine", type: "c", major: 1, minor: 7 }, "stat -c %t:%T /tmp/mine", "1:7"],
  [
    "a default device with another mode",
    { path: "/dev/null", type: "c", major: 1, minor: 3, fileMode: 0o640 },
    "stat -c %a /dev/null",
    "640",
  ],
];

for (const [name, entry, script, expected] of devices) {
  needs("root")(`${name} is made as the config says`, () => expect(prints(script, device(entry))).toBe(expected));
}

needs("root")("a bind on /dev leaves the devices to whoever filled it", () => {
  const of = bundle("ls /dev", (config: Config) => {
    config.mounts = config.mounts.filter((mount) => !mount.destination.startsWith("/dev"));
    config.mounts.push({ destination: "/dev", source: "mydev", options: ["rbind"] });
    config.linux.maskedPaths = [];
  });
  mkdirSync(join(of.dir, "mydev/mine"), { recursive: true });
  Bun.spawnSync(["mknod", "-m", "666", join(of.dir, "mydev/null"), "c", "1", "3"]);
  expect(runBundle(of).stdout).toBe("mine\nnull\n");
});

const faults: [name: string, edit: Edit, words: RegExp, pointer: string][] = [
  ["a device of an unknown type", device({ path: "/dev/x", type: "z", major: 1, minor: 1 }), /./, "/linux/devices/0"],
  ["a device without path", device({ type: "c", major: 1, minor: 1 }), /./, "/linux/devices/0"],
  [
    "a root that doesn't exist",
    (config) => {
      config.root.path = "nope";
    },
    /invalid rootfs/,
    "/root/path",
  ],
  ["no root", (config) => Object.assign(config, { root: undefined }), /root must be specified/, "/root"],
  [
    "a bogus propagation",
    (config) => {
      config.linux.rootfsPropagation = "banana";
    },
    /./,
    "/linux/rootfsPropagation",
  ],
];

for (const [name, edit, words, pointer] of faults) {
  const ask = name === "a device without path" ? needs("stricter than runc") : test;
  ask(`${name} is refused`, () => {
    const outcome = run("echo ran", edit);
    expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
    expect(complaint(outcome)).toMatch(words);
  });
  needs("json pointers")(`${name} is told with its place`, () => expect(run("true", edit).stderr).toContain(pointer));
}

test("a root that is a symlink is refused", () => {
  const of = bundle("true", (config) => {
    config.root.path = "link";
  });
  symlinkSync("rootfs", join(of.dir, "link"));
  expect(readlinkSync(join(of.dir, "link"))).toBe("rootfs");
  expect(complaint(runBundle(of))).toMatch(/invalid rootfs.*symlink/);
});

const ownNull = `[ "$(stat -Lc %d:%i /proc/self/fd/0)" = "$(stat -c %d:%i /dev/null)" ] && echo own`;

needs("inherited streams")("a standard input that is the host's /dev/null becomes the container's", () => {
  expect(prints(ownNull)).toBe("own");
});

needs("inherited streams")("so it does when the image has the device", () => {
  const of = bundle(ownNull, withoutDev);
  Bun.spawnSync(["mkdir", "-p", join(of.rootfs, "dev")]);
  Bun.spawnSync(["mknod", "-m", "666", join(of.rootfs, "dev/null"), "c", "1", "3"]);
  expect(runBundle(of).stdout).toBe("own\n");
});

needs("root", "hostile /dev")("a block device with the numbers of /dev/null is not taken for it", () => {
  const of = bundle("echo ran", withoutDev);
  Bun.spawnSync(["mkdir", "-p", join(of.rootfs, "dev")]);
  Bun.spawnSync(["mknod", "-m", "666", join(of.rootfs, "dev/null"), "b", "1", "3"]);
  const outcome = runBundle(of);
  expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
  expect(complaint(outcome)).toContain("/dev/null");
});

needs("hostile /dev")("nor is one of the image taken for a device of the config with its numbers", () => {
  const of = bundle("echo ran", (config) => {
    withoutDev(config);
    device({ path: "/dev/mine", type: "c", major: 7, minor: 99 })(config);
  });
  Bun.spawnSync(["mkdir", "-p", join(of.rootfs, "dev")]);
  Bun.spawnSync(["mknod", join(of.rootfs, "dev/mine"), "b", "7", "99"]);
  const outcome = runBundle(of);
  expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
  expect(complaint(outcome)).toContain('error creating device node "/dev/mine"');
});

needs("root")("a device of the image that is the same one stays, whatever its mode", () => {
  const of = bundle("stat -c %F:%t:%T /dev/mine", (config) => {
    withoutDev(config);
    device({ path: "/dev/mine", type: "b", major: 7, minor: 99 })(config);
  });
  Bun.spawnSync(["mkdir", "-p", join(of.rootfs, "dev")]);
  Bun.spawnSync(["mknod", "-m", "060", join(of.rootfs, "dev/mine"), "b", "7", "99"]);
  expect(runBundle(of).stdout.trim()).toBe("block special file:7:63");
});

const roots: [name: string, path: string, words: RegExp][] = [
  ["is missing", "nope", /invalid rootfs: stat .*nope.*no such file or directory/],
  ["is a file", "file", /not a directory/],
  ["has a symlink in its path", "link/rootfs", /invalid rootfs: not an absolute path, or a symlink/],
];

for (const [name, path, words] of roots) {
  test(`a root that ${name} is refused`, () => {
    const of = bundle("echo ran", (config) => {
      config.root.path = path;
    });
    writeFileSync(join(of.dir, "file"), "");
    symlinkSync(".", join(of.dir, "link"));
    const outcome = runBundle(of);
    expect([outcome.code, outcome.stdout]).toEqual([1, ""]);
    expect(complaint(outcome)).toMatch(words);
  });
}
