import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer } from "../command.ts";
import type { Kubernetes } from "./kubernetes.ts";

/** Keys of the interface's PodSandboxConfig and ContainerConfig (k8s.io/cri-api, v1), as crictl reads them. */
export type Settings = Record<string, unknown>;

export interface Pod {
  readonly id: string;
  /** Makes and starts a container. @returns its id. @throws when that fails. */
  readonly add: (name: string, command: string, settings?: Settings) => Promise<string>;
}

/** Runs a pod's sandbox. @param settings of PodSandboxConfig; @param security of its `linux`. @throws when that fails. */
export async function runPod(
  kubernetes: Kubernetes,
  name: string,
  settings: Settings = {},
  security: Settings = {},
): Promise<Pod> {
  const { crictl, image, place } = kubernetes;
  const logs = join(place.scratch, "logs", name);
  mkdirSync(logs, { recursive: true });
  const file = (what: string, config: Settings) => {
    const path = join(place.scratch, `${name}-${what}.json`);
    writeFileSync(path, JSON.stringify(config));
    return path;
  };
  const sandbox = file("sandbox", {
    metadata: { name, namespace: "default", uid: `uid-${name}`, attempt: 0 },
    log_directory: logs,
    linux: { cgroup_parent: `/${place.cgroup}/kubepods/burstable/pod${name}`, security_context: security },
    ...settings,
  });
  const id = await answer(crictl("runp", "-r", kubernetes.handler, sandbox));
  return {
    id,
    add: async (container, command, more = {}) => {
      const config = file(container, {
        metadata: { name: container, attempt: 0 },
        image: { image },
        command: ["sh", "-c", command],
        log_path: `${container}.log`,
        ...more,
      });
      const made = await answer(crictl("create", id, config, sandbox));
      await answer(crictl("start", made));
      return made;
    },
  };
}
