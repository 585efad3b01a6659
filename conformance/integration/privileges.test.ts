import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { type Edit, put } from "./bundle.ts";
import { containers } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { prints, run } = containers("privileges");

const bit = { CAP_CHOWN: 0, CAP_DAC_OVERRIDE: 1, CAP_KILL: 5, CAP_NET_BIND_SERVICE: 10, CAP_SYS_ADMIN: 21 } as const;
type Name = keyof typeof bit;
const maskOf = (names: readonly Name[]) =>
  names
    .reduce((mask, name) => mask | (1n << BigInt(bit[name])), 0n)
    .toString(16)
    .padStart(16, "0");

/** The five sets, in the order of /proc/PID/status. */
const sets = ["inheritable", "permitted", "effective", "bounding", "ambient"] as const;
type Sets = Partial<Record<(typeof sets)[number], Name[]>>;

function capabilities(asked: Sets, uid = 0): Edit {
  return (config) => {
    config.process.capabilities = asked as Record<string, string[]>;
    config.process.user = { uid, gid: uid };
    config.process.args = ["grep", "^Cap", "/proc/self/status"];
  };
}

const seen = (text: string) => text.split("\n").map((line) => line.split(/\s+/)[1]);
const few: Name[] = ["CAP_CHOWN", "CAP_KILL"];
const more: Name[] = [...few, "CAP_NET_BIND_SERVICE", "CAP_SYS_ADMIN"];

const rows: [name: string, uid: number, asked: Sets, got: Sets][] = [
  [
    "root gets the permitted set, cut by the bounding set",
    0,
    { bounding: few, effective: few, permitted: few },
    { bounding: few, effective: few, permitted: few },
  ],
  ["root without any gets none", 0, {}, {}],
  [
    "the bounding set may be larger for a user that gains nothing",
    1000,
    { bounding: more, effective: few, permitted: few },
    { bounding: more },
  ],
  [
    "a user keeps what is ambient",
    1000,
    { bounding: few, effective: few, permitted: few, inheritable: few, ambient: few },
    { bounding: few, effective: few, permitted: few, inheritable: few, ambient: few },
  ],
  [
    "a user keeps only what is ambient",
    1000,
    { bounding: more, effective: more, permitted: more, inheritable: more, ambient: ["CAP_KILL"] },
    { bounding: more, effective: ["CAP_KILL"], permitted: ["CAP_KILL"], inheritable: more, ambient: ["CAP_KILL"] },
  ],
  [
    "inheritable alone gives a user nothing",
    1000,
    { bounding: few, permitted: few, inheritable: few },
    { bounding: few, inheritable: few },
  ],
];

for (const [name, uid, asked, got] of rows) {
  test(name, () => {
    expect(seen(prints("", capabilities(asked, uid)))).toEqual(sets.map((set) => maskOf(got[set] ?? [])));
  });
}

for (const [field, sign] of [
  ["apparmorProfile", "/sys/kernel/security/apparmor"],
  ["selinuxLabel", "/sys/fs/selinux/enforce"],
] as const) {
  // Whether the label takes hold can be seen only where the module is at work.
  const ask = existsSync(sign) ? test.skip : test;
  ask(`${field} without its security module is refused, not forgotten`, () => {
    const outcome = run("echo ran", (config) => put(config, `/process/${field}`, "none-of-this-name"));
    expect(outcome.code).toBe(1);
    expect(outcome.stdout).toBe("");
    expect(complaint(outcome)).toMatch(/apparmor|selinux/);
  });
}

test("an unknown capability is warned about and skipped", () => {
  const outcome = run("", (config) => {
    capabilities({ bounding: few, permitted: few, effective: few })(config);
    config.process.capabilities!.bounding!.push("CAP_BANANA");
  });
  expect(outcome.code).toBe(0);
  expect(outcome.stderr).toMatch(/CAP_BANANA/);
});

test("an effective capability that isn't permitted is refused", () => {
  const outcome = run("true", capabilities({ bounding: more, permitted: few, effective: more }));
  expect(outcome.code).toBe(1);
});

for (const value of [true, false]) {
  test(`noNewPrivileges ${value} is what the program has`, () => {
    const seen = prints("grep NoNewPrivs /proc/self/status", (config) => {
      config.process.noNewPrivileges = value;
    });
    expect(seen).toMatch(new RegExp(`\\s${value ? 1 : 0}$`));
  });
}

test("oom_score_adj is the config's", () => {
  expect(
    prints("cat /proc/self/oom_score_adj", (config) => {
      config.process.oomScoreAdj = 500;
    }),
  ).toBe("500");
});

test("oom_score_adj is the caller's when the config has none", async () => {
  const own = await Bun.file("/proc/self/oom_score_adj").text();
  expect(prints("cat /proc/self/oom_score_adj")).toBe(own.trim());
});

/** The name in the config, the line of /proc/PID/limits, and values that any caller may lower its own to. */
const limits: [type: string, line: string, soft: number, hard: number][] = [
  ["RLIMIT_NOFILE", "Max open files", 64, 128],
  ["RLIMIT_CORE", "Max core file size", 0, 512],
  ["RLIMIT_CPU", "Max cpu time", 50, 60],
  ["RLIMIT_FSIZE", "Max file size", 51200, 102400],
  ["RLIMIT_STACK", "Max stack size", 1 << 20, 2 << 20],
  ["RLIMIT_DATA", "Max data size", 1 << 26, 1 << 27],
  ["RLIMIT_AS", "Max address space", 1 << 28, 1 << 29],
  ["RLIMIT_NPROC", "Max processes", 500, 600],
  ["RLIMIT_MEMLOCK", "Max locked memory", 4096, 8192],
  ["RLIMIT_RSS", "Max resident set", 1 << 20, 1 << 21],
  ["RLIMIT_LOCKS", "Max file locks", 5, 6],
  ["RLIMIT_SIGPENDING", "Max pending signals", 50, 60],
  ["RLIMIT_MSGQUEUE", "Max msgqueue size", 1000, 2000],
  ["RLIMIT_NICE", "Max nice priority", 0, 0],
  ["RLIMIT_RTPRIO", "Max realtime priority", 0, 0],
  ["RLIMIT_RTTIME", "Max realtime timeout", 1_000_000, 2_000_000],
];

for (const [type, line, soft, hard] of limits) {
  test(`${type} is the config's, soft and hard`, () => {
    const seen = prints(`grep '^${line}' /proc/self/limits`, (config) => {
      config.process.rlimits = [{ type, soft, hard }];
    });
    expect(seen.slice(line.length).match(/\d+/g)?.map(Number)).toEqual([soft, hard]);
  });
}

const refusals: [name: string, limits: { type: string; soft: number; hard: number }[], words: RegExp][] = [
  ["an unknown limit", [{ type: "RLIMIT_BANANA", soft: 1, hard: 1 }], /RLIMIT_BANANA/],
  ["a soft limit above the hard one", [{ type: "RLIMIT_NOFILE", soft: 20, hard: 10 }], /./],
];

for (const [name, rlimits, words] of refusals) {
  test(`${name} is refused`, () => {
    const outcome = run("true", (config) => {
      config.process.rlimits = rlimits;
    });
    expect(outcome.code).toBe(1);
    expect(complaint(outcome)).toMatch(words);
  });
}

needs("stricter than runc")("a limit given twice is refused", () => {
  const twice = [
    { type: "RLIMIT_NOFILE", soft: 10, hard: 10 },
    { type: "RLIMIT_NOFILE", soft: 9, hard: 9 },
  ];
  expect(
    run("true", (config) => {
      config.process.rlimits = twice;
    }).code,
  ).toBe(1);
});

needs("small descriptor limits")("a container may have no descriptors to spare", () => {
  const outcome = run("echo ran", (config) => {
    config.process.rlimits = [{ type: "RLIMIT_NOFILE", soft: 3, hard: 3 }];
    config.process.args = ["/bin/echo", "ran"];
  });
  expect([outcome.code, outcome.stdout]).toEqual([0, "ran\n"]);
});

needs("personality")("personality LINUX32 makes uname say so", () => {
  expect(
    prints("uname -m", (config) => {
      config.linux.personality = { domain: "LINUX32" };
    }),
  ).toMatch(/^i686$|^armv8l$/);
});

needs("personality")("an unknown personality is refused", () => {
  expect(
    run("true", (config) => {
      config.linux.personality = { domain: "BANANA" };
    }).code,
  ).toBe(1);
});
