import { expect, test } from "bun:test";
import { parseMountOptions } from "../plan/mount-options.ts";
import { features, mountOptions } from "./features.ts";

const document = features({ version: "1", commit: "", compatibleRuncVersion: "1.5.1" }) as {
  linux: {
    capabilities: string[];
    seccomp: Record<"actions" | "operators" | "archs" | "knownFlags" | "supportedFlags", string[]>;
  };
  annotations: object;
};

test("every mount option that is announced is understood by the parser, and none goes to the filesystem", () => {
  for (const option of mountOptions) expect([option, parseMountOptions([option]).data]).toEqual([option, []]);
  expect(mountOptions).toEqual([...mountOptions].sort());
});

test("the lists that callers search are sorted and complete", () => {
  const { seccomp, capabilities } = document.linux;
  expect(capabilities).toHaveLength(41);
  expect(seccomp.actions).toContain("SCMP_ACT_NOTIFY");
  for (const list of [seccomp.actions, seccomp.operators, seccomp.archs]) expect(list).toEqual([...list].sort());
  expect(seccomp.knownFlags).toEqual(expect.arrayContaining(seccomp.supportedFlags));
});

test("an unknown commit is left out", () => {
  expect(JSON.parse(JSON.stringify(document.annotations))).not.toHaveProperty("org.opencontainers.runc.commit");
});
