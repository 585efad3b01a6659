import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { check, eventually, matches } from "../check.ts";
import { answer, says } from "../command.ts";
import type { Podman } from "./podman.ts";

/** Pods: containers that share namespaces with an infra container, by hand and from Kubernetes' YAML. */
export async function podmanPods(podman: Podman): Promise<void> {
  await byHand(podman);
  await kube(podman);
}

async function byHand({ client, placement, image }: Podman): Promise<void> {
  await says(
    "pod: create",
    client("pod", "create", "--name", "pod1", "--network", "none", ...placement, "--share", "ipc,net,uts,pid"),
  );
  await says("pod: a container in it", client("run", "-d", "--pod", "pod1", "--name", "c1", image, "sleep", "100"));
  await says("pod: another one sees it", client("run", "--rm", "--pod", "pod1", image, "ps"), { says: /sleep 100/ });
  await says("pod: ps", client("pod", "ps", "--format", "{{.Name}} {{.Status}} {{.NumberOfContainers}}"), {
    says: /pod1 Running 2/,
  });
  await says("pod: top", client("pod", "top", "pod1"), { says: /sleep 100/ });
  await says("pod: pause", client("pod", "pause", "pod1"));
  await says("pod: unpause", client("pod", "unpause", "pod1"));
  await says("pod: stop", client("pod", "stop", "-t", "1", "pod1"));
  await says("pod: start again", client("pod", "start", "pod1"));
  await says("pod: remove", client("pod", "rm", "-f", "-t", "0", "pod1"));
}

async function kube({ client, image, place }: Podman): Promise<void> {
  const container = (name: string, command: string) => ({
    ...{ name, image, imagePullPolicy: "Never", command: ["sh", "-c", command] },
    resources: { limits: { memory: "64Mi" } },
  });
  const web = container("web", "cat /proc/1/cgroup >/dev/null; exec httpd -f -p 80 -h /etc");
  const containers = [web, container("looks", "sleep 1; wget -q -O - http://127.0.0.1/passwd; sleep 100")];
  const spec = { restartPolicy: "Never", containers };
  const file = join(place.scratch, "pod.yaml");
  // JSON is YAML.
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "kube" }, spec }));
  await says("kube: play", client("play", "kube", "--network", "none", file));
  await check("kube: one container reaches the other", () =>
    eventually(async () => matches(await answer(client("logs", "kube-looks")), /root:x:0/)),
  );
  await says("kube: down", client("play", "kube", "--down", file));
}
