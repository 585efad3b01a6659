import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer } from "../command.ts";
import { startDaemon } from "../daemon.ts";
import { documented } from "../documented.ts";
import { makeImage, makeLayoutArchive } from "../image.ts";
import { noSysResource } from "../machine.ts";
import type { Place } from "../place.ts";

/** containerd with its CRI plugin, as kubelet sees it. */
export interface Kubernetes {
  readonly place: Place;
  readonly image: string;
  /** Where the runtime keeps its state. */
  readonly state: string;
  /** argv of a crictl command. */
  readonly crictl: (...words: string[]) => string[];
  /** What a RuntimeClass calls the runtime. */
  readonly handler: string;
  readonly stop: () => Promise<void>;
}

/** Starts containerd with pods' networks from a bridge, and with an image that has what the pause image would have. */
export async function startKubernetes(place: Place): Promise<Kubernetes> {
  const socket = join(place.scratch, "containerd.sock");
  const network = join(place.scratch, "cni");
  mkdirSync(network);
  writeFileSync(join(network, "10-bridge.conflist"), JSON.stringify(bridge));
  const config = join(place.scratch, "containerd.toml");
  writeFileSync(config, configuration(place, socket, network));
  const ctr = (...words: string[]) => ["ctr", "-a", socket, "-n", "k8s.io", ...words];
  const daemon = await startDaemon(["containerd", "-c", config], ctr("version"), join(place.scratch, "containerd.log"));
  const image = "localhost/busybox:1";
  const archive = makeLayoutArchive(makeImage(place.scratch), place.scratch, [image, pause], ["sleep", "1000000"]);
  await answer(ctr("image", "import", archive));
  const endpoint = `unix://${socket}`;
  return {
    place,
    image,
    handler: /^handler: (\w+)$/m.exec(documented("kubernetes", place.runtime))![1]!,
    state: "/run/containerd/runc/k8s.io",
    crictl: (...words) => [place.crictl, "-r", endpoint, "-i", endpoint, "-t", "40s", ...words],
    stop: () => daemon.stop(),
  };
}

const pause = "localhost/pause:1";

const bridge = {
  ...{ cniVersion: "0.4.0", name: "callers" },
  plugins: [
    {
      ...{ type: "bridge", bridge: "callers0", isGateway: true, ipMasq: true },
      ipam: { type: "host-local", ranges: [[{ subnet: "10.213.0.0/16" }]], routes: [{ dst: "0.0.0.0/0" }] },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};

/** The README's, and what only these checks want. A sandbox asks for a lower oom_score_adj, which needs CAP_SYS_RESOURCE; the plugin can leave it as it is. */
function configuration(place: Place, socket: string, network: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = "${place.scratch}/containerd/root"
state = "${place.scratch}/containerd/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
  address = "${socket}"
[ttrpc]
  address = "${socket}.ttrpc"
[${cri}]
  sandbox_image = "${pause}"
  tolerate_missing_hugetlb_controller = true
  restrict_oom_score_adj = ${noSysResource() !== ""}
  [${cri}.cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "${network}"
${documented("containerd", place.runtime).replace("version = 2\n", "")}`;
}
