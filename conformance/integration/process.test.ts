import { expect, test } from "bun:test";
import { mkdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Edit, withoutNamespace } from "./bundle.ts";
import { containers } from "./harness.ts";
import { isRoot } from "./ordinary-user.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { bundle, prints, run, runBundle } = containers("process");

needs("bare line")("of a script whose interpreter is missing there is one line, and status 255", () => {
  const of = bundle("true", (config) => {
    config.process.args = ["/script"];
  });
  writeFileSync(join(of.rootfs, "script"), "#!/no/such/interpreter\n", { mode: 0o755 });
  const outcome = runBundle(of);
  expect([outcome.code, outcome.stderr]).toEqual([255, "exec /script: no such file or directory\n"]);
});

const asUser =
  (uid: number, gid: number, additionalGids?: number[], umask?: number): Edit =>
  (config) => {
    config.process.user = { uid, gid, additionalGids, umask };
  };

const rows: [name: string, script: string, edit: Edit, expected: string][] = [
  ["user and group are those of the config", "id -u; id -g", asUser(1000, 1001), "1000\n1001"],
  [
    "additional groups are set, and no other",
    "id -G",
    asUser(1000, 1000, isRoot ? [7, 9] : []),
    isRoot ? "1000 7 9" : "1000",
  ],
  ["without additional groups there are none", "id -G", asUser(0, 0), "0"],
  ["the umask is 0022 unless said", "umask", asUser(0, 0), "0022"],
  ["the umask is the config's", "umask", asUser(0, 0, [], 0o77), "0077"],
  ["a umask of 0 counts", "umask", asUser(0, 0, [], 0), "0000"],
  ["HOME comes from the container's passwd", "echo $HOME", asUser(1000, 1000), "/home/user"],
  ["HOME is / for a user that passwd doesn't have", "echo $HOME", asUser(4711, 4711), "/"],
  ["a HOME in the config is kept", "echo $HOME", (config) => config.process.env.push("HOME=/here"), "/here"],
  ["of variables given twice the last counts", "echo $A", (config) => config.process.env.push("A=1", "A=2"), "2"],
  ["a value may have = and spaces", 'echo "$A"', (config) => config.process.env.push("A=b = c"), "b = c"],
  [
    "the environment is the config's, plus HOME",
    "env | sort",
    (config) => {
      config.process.env = ["PATH=/bin"];
      config.process.args = ["env"];
    },
    "PATH=/bin\nHOME=/root",
  ],
  [
    "the working directory is the config's",
    "pwd",
    (config) => {
      config.process.cwd = "/tmp";
    },
    "/tmp",
  ],
  [
    "a missing working directory is made",
    "pwd; stat -c %a:%u .",
    (config) => {
      config.process.cwd = "/made/here";
    },
    "/made/here\n755:0",
  ],
  [
    "a working directory above the root is the root",
    "pwd",
    (config) => {
      config.process.cwd = "/../../..";
    },
    "/",
  ],
  [
    "arguments are passed as they are",
    "",
    (config) => {
      config.process.args = ["printf", "[%s]", "a b", "", "*", "ü"];
    },
    "[a b][][*][ü]",
  ],
  [
    "a program without slash is searched in the config's PATH",
    "",
    (config) => {
      config.process.env = ["PATH=/nope:/tmp/../bin"];
      config.process.args = ["echo", "found"];
    },
    "found",
  ],
];

for (const [name, script, edit, expected] of rows) {
  test(name, () => expect(prints(script, edit)).toBe(expected));
}

test("the environment is exactly the config's and HOME, in order", () => {
  const lines = prints("", (config) => {
    config.process.env = ["B=2", "A=1", "PATH=/bin"];
    config.process.args = ["env"];
  });
  expect(lines).toBe("B=2\nA=1\nPATH=/bin\nHOME=/root");
});

test("a working directory that only the user may not enter is still reached, as runc does", () => {
  const of = bundle("pwd", (config) => {
    config.process.cwd = "/private";
    config.process.user = { uid: 1000, gid: 1000 };
  });
  mkdirSync(join(of.rootfs, "private"), { mode: 0o700 });
  const outcome = runBundle(of);
  expect(outcome.code).toBe(0);
});

test("a working directory that is a symlink stays inside the root", () => {
  const of = bundle("pwd -P; ls", (config) => {
    config.process.cwd = "/link";
  });
  mkdirSync(join(of.rootfs, "etc/inside"));
  symlinkSync("/etc", join(of.rootfs, "link"));
  expect(runBundle(of).stdout).toBe("/etc\ngroup\ninside\npasswd\n");
});

test("a numeric name in passwd isn't taken for the uid", () => {
  const of = bundle("id -u; echo $HOME", (config) => {
    config.process.user = { uid: 1234, gid: 5 };
  });
  writeFileSync(join(of.rootfs, "etc/passwd"), "1234:x:0:0::/root:/bin/sh\n");
  expect(runBundle(of).stdout).toBe("1234\n/\n");
});

test("standard output belongs to the user, so that /dev/stdout can be opened again", () => {
  const outcome = run("echo again >/dev/stdout", (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  expect(outcome.stdout).toBe("again\n");
});

test("a working directory made for a container is in its root file system", () => {
  const of = bundle("true", (config) => {
    config.process.cwd = "/made";
  });
  runBundle(of);
  expect(statSync(join(of.rootfs, "made")).isDirectory()).toBe(true);
});

const failures: [name: string, args: string[], words: RegExp][] = [
  ["a program not in PATH", ["nope"], /executable file not found in \$PATH/],
  ["a program that doesn't exist", ["/nope"], /\/nope.*no such file or directory/],
  ["a program that is a directory", ["/etc"], /\/etc.*(is a directory|permission denied)/],
  ["a program without execute permission", ["/etc/passwd"], /\/etc\/passwd.*permission denied/],
];

for (const [name, args, words] of failures) {
  test(`${name} is found out by create, with the words that engines match`, () => {
    const outcome = run("", (config) => {
      config.process.args = args;
    });
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(words);
  });
}

needs("json pointers")("a program that isn't there is named with its place in the config", () => {
  const outcome = run("", (config) => {
    config.process.args = ["/nope"];
  });
  expect(outcome.stderr).toContain("/process/args/0");
});

for (const status of [0, 1, 42, 255]) {
  test(`run ends with the program's status ${status}`, () => expect(run(`exit ${status}`).code).toBe(status));
}

test("run ends with 128+9 when the program is killed by signal 9", () => {
  const outcome = run("kill -9 $$", (config) => withoutNamespace(config, "pid"));
  expect(outcome.code).toBe(137);
});
