import { expect, test } from "bun:test";
import { documented } from "./documented.ts";

test("the examples of the README can be read, and name the runtime", () => {
  const path = "/opt/other/runts";
  expect(JSON.parse(documented("docker", path)).runtimes.runts.path).toBe(path);
  const cri = { default_runtime_name: "runts", runtimes: { runts: { options: { BinaryName: path } } } };
  const plugins = { "io.containerd.grpc.v1.cri": { containerd: cri } };
  expect(Bun.TOML.parse(documented("containerd", path))).toMatchObject({ version: 2, plugins });
  const podman = { runtime: "runts", runtimes: { runts: [path] } };
  expect(Bun.TOML.parse(documented("podman", path))).toMatchObject({ engine: podman });
  const crio = { default_runtime: "runts", runtimes: { runts: { runtime_path: path } } };
  expect(Bun.TOML.parse(documented("cri-o", path))).toMatchObject({ crio: { runtime: crio } });
  expect(Bun.YAML.parse(documented("kubernetes", path))).toMatchObject({ kind: "RuntimeClass", handler: "runts" });
});

test("an engine without an example is named", () => {
  expect(() => documented("rkt", "/x")).toThrow("no configuration for rkt");
});
