/** What crun has beyond the specification, and engines that know crun ask for. docs/crun-extras.md has the list. */
import { expect } from "bun:test";
import { chownSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { type Edit, put } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { needs } from "./supports.ts";

const { base, create, prints, run, runtime } = containers("extras");

const annotated =
  (name: string, value: string): Edit =>
  (config) => {
    config.annotations = { [`run.oci.${name}`]: value };
  };
const keepsGroups = annotated("keep_original_groups", "1");
const inGroups = { through: ["setpriv", "--groups", "4,24"] };
const groups = "grep Groups /proc/self/status";

needs("root", "crun's extras")("keep_original_groups leaves the caller's groups to the program", () => {
  expect(prints(groups, keepsGroups, inGroups)).toMatch(/^Groups:\s*4 24$/);
  expect(prints(groups, annotated("keep_original_groups", "0"), inGroups)).toMatch(/^Groups:\s*$/);
});

needs("root", "crun's extras")("keep_original_groups takes the place of additional groups, and says so", () => {
  const outcome = run(
    groups,
    (config) => {
      keepsGroups(config);
      config.process.user = { uid: 1000, gid: 1000, additionalGids: [7] };
    },
    inGroups,
  );
  expect(succeeded(outcome).stdout.trim()).toMatch(/^Groups:\s*4 24$/);
  expect(outcome.stderr).toContain("/process/user/additionalGids: ignored");
});

needs(
  "root",
  "crun's extras",
  "user namespaces",
)("keep_original_groups holds in a user namespace, where they have no name", () => {
  const seen = prints(
    groups,
    (config) => {
      keepsGroups(config);
      config.linux.namespaces.push({ type: "user" });
      for (const field of ["uidMappings", "gidMappings"])
        put(config, `/linux/${field}`, [{ containerID: 0, hostID: 100_000, size: 1000 }]);
    },
    inGroups,
  );
  expect(seen).toMatch(/^Groups:\s*65534 65534$/);
});

needs(
  "root",
  "crun's extras",
  "exec command",
)("exec keeps its caller's groups, too", () => {
  const of = create("sleep 1000", keepsGroups);
  succeeded(runtime(["start", of.id]));
  const outcome = runtime(["exec", of.id, "sh", "-c", groups], inGroups);
  expect(succeeded(outcome).stdout.trim()).toMatch(/^Groups:\s*4 24$/);
});

needs(
  "root",
  "crun's extras",
  "idmapped mounts",
  "idmapped tmpfs",
)("a bind mount has the mappings of its option idmap=", () => {
  const volume = join(base, "volume");
  mkdirSync(volume);
  chownSync(volume, 100_005, 100_006);
  const seen = prints("stat -c %u:%g /m", (config) => {
    const options = ["bind", "idmap=uids=100000-0-10;gids=100000-50-10"];
    config.mounts.push({ destination: "/m", source: volume, options });
  });
  expect(seen).toBe("5:56");
});

needs("crun's extras")("seccomp_fail_unknown_syscall refuses a profile with a call that nobody knows", () => {
  const profile: Edit = (config) => {
    put(config, "/linux/seccomp", {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["not_a_call"], action: "SCMP_ACT_ERRNO" }],
    });
  };
  expect(prints("echo ran", profile)).toBe("ran");
  const outcome = run("echo ran", (config) => {
    profile(config);
    annotated("seccomp_fail_unknown_syscall", "1")(config);
  });
  expect(outcome).toMatchObject({ code: 1, stdout: "" });
  expect(complaint(outcome)).toMatch(/not_a_call.*\/linux\/seccomp\/syscalls/);
});

needs("crun's extras")("an annotation of crun's that means nothing here is warned of, once; others are not", () => {
  const outcome = run("echo ran", (config) => {
    config.annotations = { "run.oci.hooks.stdout": "/tmp/hooks", "org.example.other": "x" };
  });
  expect(outcome).toMatchObject({ code: 0, stdout: "ran\n" });
  expect(outcome.stderr.match(/annotation/g)).toHaveLength(2); // the pointer, and the sentence
  expect(outcome.stderr).toContain("/annotations/run.oci.hooks.stdout");
});

const refused: [name: string, edit: Edit, where: string][] = [
  [
    "a kind of label that is none",
    annotated("mount_context_type", "banana"),
    "/annotations/run.oci.mount_context_type",
  ],
  ...["copy-symlink", "src-nofollow", "dest-nofollow", "idmap=uids=0-0-1"].map((option): [string, Edit, string] => [
    `the mount option ${option}`,
    (config) => config.mounts.push({ destination: "/m", source: "/etc", options: ["bind", option] }),
    "/mounts/5/options/1",
  ]),
];

for (const [name, edit, where] of refused) {
  needs("crun's extras")(`${name} is refused by name`, () => {
    const outcome = run("echo ran", edit);
    expect(outcome).toMatchObject({ code: 1, stdout: "" });
    expect(complaint(outcome)).toContain(where);
  });
}

needs("root")("without annotations there are no groups of the caller's", () => {
  expect(prints(groups, undefined, inGroups)).toMatch(/^Groups:\s*$/);
});
