import { expect, test } from "bun:test";
import { slicePath, unitName } from "./unit.ts";

test("a path of three parts names a scope in a slice", () => {
  expect(unitName("kube-pods.slice:cri:abc", "id", false)).toEqual({
    name: "cri-abc.scope",
    slice: "kube-pods.slice",
    description: "libcontainer container abc",
  });
});

test("what is left out has runc's defaults", () => {
  expect(unitName(undefined, "web", false)).toMatchObject({ name: "runc-web.scope", slice: "system.slice" });
  expect(unitName("", "web", true)).toMatchObject({ name: "runc-web.scope", slice: "user.slice" });
  expect(unitName(":docker:abc", "web", false)).toMatchObject({ name: "docker-abc.scope", slice: "system.slice" });
});

test("a name that is a slice's is taken as it is", () => {
  expect(unitName("a.slice::pod1.slice", "web", false)).toMatchObject({ name: "pod1.slice", slice: "a.slice" });
});

for (const path of ["/a/b", "a:b", "a:b:c:d"]) {
  test(`${path} is refused in runc's words`, () => {
    expect(() => unitName(path, "web", false)).toThrow(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got "${path}" instead`,
    );
  });
}

test("a slash can't be in a unit's name", () => {
  expect(() => unitName("a.slice:b:../c", "web", false)).toThrow("/linux/cgroupsPath");
});

test("a slice's place is made of its name's parts", () => {
  expect(slicePath("system.slice")).toBe("/system.slice");
  expect(slicePath("a-b-c.slice")).toBe("/a.slice/a-b.slice/a-b-c.slice");
  expect(slicePath("-.slice")).toBe("");
});

for (const slice of ["a", ".slice", "a--b.slice", "-a.slice", "a-.slice", "a/b.slice", ""]) {
  test(`"${slice}" is no slice`, () => {
    expect(() => slicePath(slice)).toThrow(`invalid slice name: ${slice}`);
  });
}
