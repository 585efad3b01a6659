/** Labels of security modules as the container's process sees them: on machines where the module is at work. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Edit, put } from "./bundle.ts";
import { containers, succeeded } from "./harness.ts";
import { complaint } from "./runtime.ts";
import { machineHas, needs } from "./supports.ts";

const { base, prints, run, running, runtime, tag } = containers("labels");

const profile = `runts-${tag}`;
const profileFile = join(base, "profile");

function parser(...args: string[]): void {
  const { exitCode, stderr } = Bun.spawnSync(["apparmor_parser", ...args, profileFile]);
  if (exitCode !== 0) throw new Error(`apparmor_parser: ${stderr}`);
}

beforeAll(() => {
  if (!machineHas("AppArmor")) return;
  const rules = "file,\n capability,\n network,\n signal,\n mount,\n umount,\n deny /tmp/denied w,";
  writeFileSync(profileFile, `profile ${profile} flags=(attach_disconnected,mediate_deleted) {\n ${rules}\n}\n`);
  parser("--replace", "--skip-cache");
});
afterAll(() => {
  if (!existsSync(profileFile)) return;
  parser("--remove");
  rmSync(profileFile);
});

const confined: Edit = (config) => put(config, "/process/apparmorProfile", profile);
const current = "cat /proc/self/attr/apparmor/current";

needs("AppArmor")("the program has its AppArmor profile", () => {
  expect(prints(current, confined)).toBe(`${profile} (enforce)`);
});

needs("AppArmor")("a profile holds without no_new_privs, too, and for another user", () => {
  const seen = prints(current, (config) => {
    confined(config);
    config.process.noNewPrivileges = false;
    config.process.user = { uid: 1000, gid: 1000 };
  });
  expect(seen).toBe(`${profile} (enforce)`);
});

needs("AppArmor")("what a profile denies is denied", () => {
  expect(prints("touch /tmp/allowed; touch /tmp/denied; ls /tmp", confined)).toBe("allowed");
});

needs("AppArmor")("hooks of create run outside the profile", () => {
  const file = join(base, "hook-label");
  succeeded(
    run("true", (config) => {
      confined(config);
      const hook = { path: "/bin/sh", args: ["sh", "-c", `cat /proc/self/attr/apparmor/current >${file}`] };
      config.hooks = { createContainer: [hook] };
    }),
  );
  expect(readFileSync(file, "utf8")).not.toContain(profile);
});

needs("AppArmor")("a profile that is not loaded is refused by name, and nothing runs", () => {
  const outcome = run("echo ran", (config) => put(config, "/process/apparmorProfile", `${profile}-absent`));
  expect(outcome).toMatchObject({ code: 1, stdout: "" });
  expect(complaint(outcome)).toMatch(/unable to apply apparmor profile.*-absent.*\/process\/apparmorProfile/);
});

needs("AppArmor", "exec command")("exec has the container's profile, or its own", () => {
  const of = running(confined);
  const seen = (...options: string[]) =>
    succeeded(runtime(["exec", ...options, of.id, "cat", "/proc/self/attr/apparmor/current"])).stdout.trim();
  expect(seen()).toBe(`${profile} (enforce)`);
  expect(seen("--apparmor", "unconfined")).toBe("unconfined");
});

/** Of container-selinux's policy, which every distribution with SELinux has for its container engines. */
const processLabel = "system_u:system_r:container_t:s0:c7,c8";
const mountLabel = "system_u:object_r:container_file_t:s0:c7,c8";

const labelled: Edit = (config) => {
  put(config, "/process/selinuxLabel", processLabel);
  put(config, "/linux/mountLabel", mountLabel);
  config.mounts.push({ destination: "/dev/mqueue", type: "mqueue", source: "mqueue" });
};

needs("SELinux")("the program and its mounts have their SELinux labels", () => {
  expect(prints("cat /proc/self/attr/current", labelled)).toBe(processLabel);
  expect(prints("cat /proc/self/mounts", labelled)).toMatch(
    new RegExp(`tmpfs /dev tmpfs [^\n]*context="?${mountLabel}`),
  );
});

test("an empty label is none", () => {
  const seen = prints("echo ran", (config) => {
    put(config, "/process/apparmorProfile", "");
    put(config, "/process/selinuxLabel", "");
    put(config, "/linux/mountLabel", "");
  });
  expect(seen).toBe("ran");
});
