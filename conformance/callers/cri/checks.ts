import { check, equal, eventually, matches } from "../check.ts";
import { answer, equals, run, says, saysAtTerminal } from "../command.ts";
import { unmountedHierarchy } from "../machine.ts";
import type { Place } from "../place.ts";
import { cgroupFile, cgroupsLeft, mountsBelow, namesIn, processesOf } from "../processes.ts";
import { type Kubernetes, startKubernetes } from "./kubernetes.ts";
import { type Pod, runPod } from "./pod.ts";

/** What kubelet asks of a runtime, through containerd's CRI plugin, and what has to be gone afterwards. */
export async function criChecks(place: Place): Promise<void> {
  const kubernetes = await startKubernetes(place);
  await says("info: the plugin is ready", kubernetes.crictl("info"), { says: /"RuntimeReady",\s+"status": true/s });
  await twoContainers(kubernetes);
  await sharedProcesses(kubernetes);
  await nothingLeft(kubernetes);
  await kubernetes.stop();
}

/** A pod with a server and somebody who asks it. */
async function twoContainers(kubernetes: Kubernetes): Promise<void> {
  const { crictl } = kubernetes;
  let pod: Pod | undefined;
  const ran = await check("pod: run", async () => {
    const port_mappings = [{ protocol: 0, container_port: 80, host_port: 8080 }];
    pod = await runPod(kubernetes, "web", { hostname: "web-host", port_mappings });
  });
  if (!ran) return;
  const { id, add } = pod!;
  const ids: Record<string, string> = {};
  await check("pod: a container with limits", async () => {
    const resources = { memory_limit_in_bytes: 67_108_864, cpu_quota: 50_000, cpu_period: 100_000, oom_score_adj: 900 };
    ids.server = await add("server", "echo serving; exec httpd -f -p 80 -h /etc", { linux: { resources } });
  });
  await check("pod: another container", async () => {
    const security_context = { seccomp: { profile_type: 0 }, run_as_user: { value: 1000 }, readonly_rootfs: true };
    const ask =
      "wget -q -O - http://127.0.0.1/passwd; hostname; grep Seccomp: /proc/self/status; id -u; touch /x; sleep 1000";
    ids.asker = await add("asker", ask, { linux: { security_context: { ...security_context, no_new_privs: true } } });
  });
  const asked = async () => answer(["sh", "-c", '"$@" 2>&1', "sh", ...crictl("logs", ids.asker!)]);
  await check("pod: the one reaches the other", () => eventually(async () => matches(await asked(), /root:x:0/)));
  await check("logs: host name, seccomp profile, user, read-only root", () =>
    eventually(async () => matches(await asked(), /^web-host$/m, /Seccomp:\s*2/, /^1000$/m, /Read-only file system/)),
  );
  await says("pod: a published port answers", ["busybox", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/passwd"], {
    says: /root:x:0/,
  });
  await exec(kubernetes, ids.server!);
  await resources(kubernetes, ids.server!);
  await ends(kubernetes, id, ids);
}

async function exec({ crictl }: Kubernetes, server: string): Promise<void> {
  const into = (...words: string[]) => crictl("exec", ...words);
  await says("exec: synchronous, as probes do", into("-s", server, "echo", "probe"), { says: /^probe$/m });
  await says("exec: synchronous, a status", into("-s", server, "sh", "-c", "exit 3"), {
    status: 1,
    says: /exit(ed)?.* 3|code 3/,
  });
  await says("exec: as kubectl does", into(server, "cat", "/etc/passwd"), { says: /root:x:0/ });
  await says("exec: input", into("-i", server, "cat"), { input: "exec-in\n", says: /^exec-in$/m });
  await saysAtTerminal("exec: a terminal", into("-it", server, "sh", "-c", "tty; sleep 1; stty size"), {
    says: [/\/dev\/pts\//, /37 101/],
  });
  await says("exec: no such program", into("-s", server, "/nonexistent"), {
    status: 1,
    says: /no such file or directory/,
  });
}

async function resources({ crictl }: Kubernetes, server: string): Promise<void> {
  const pid = String(JSON.parse(await answer(crictl("inspect", server))).info.pid);
  const memory = async () => cgroupFile(pid, "memory", "memory.limit_in_bytes", "memory.max");
  await equals("limits: memory", memory, "67108864");
  await says("stats: memory and CPU", crictl("stats", server), {
    says: /server\s+[0-9.]+\s+[1-9][0-9.]*[kKM]B/,
    machine: unmountedHierarchy(),
  });
  await says("update: memory", crictl("update", "--memory", "134217728", server));
  await equals("update: memory is limited", memory, "134217728");
}

async function ends({ crictl }: Kubernetes, pod: string, ids: Record<string, string>): Promise<void> {
  const state = async (id: string) => {
    const { status } = JSON.parse(await answer(crictl("inspect", id)));
    return `${status.state} ${status.exitCode}`;
  };
  await says("ps: both", crictl("ps"), { says: [/server/, /asker/] });
  await says("stop: at once", crictl("stop", "--timeout", "0", ids.server!));
  await equals("stop: killed", () => state(ids.server!), "CONTAINER_EXITED 137");
  await says("stop: a grace period", crictl("stop", "--timeout", "1", ids.asker!));
  await check("stop: its state", async () => matches(await state(ids.asker!), /^CONTAINER_EXITED 1(37|43)$/));
  await says("rm: a container", crictl("rm", ids.server!));
  await says("stopp: the pod", crictl("stopp", pod));
  await says("rmp: with what is in it", crictl("rmp", "-f", pod));
}

/** Containers of one pid namespace: their first process is not 1, and what they leave is killed by name of the cgroup. */
async function sharedProcesses(kubernetes: Kubernetes): Promise<void> {
  const { crictl } = kubernetes;
  let pod: Pod | undefined;
  // POD and NODE of NamespaceMode. On the node's network, a pod has the node's host name.
  const security_context = { namespace_options: { pid: 0, network: 2 } };
  const shared = { linux: { security_context } };
  const ran = await check("shared pid namespace: run", async () => {
    pod = await runPod(kubernetes, "shared", {}, security_context);
  });
  if (!ran) return;
  const ids: string[] = [];
  await check("shared pid namespace: two containers", async () => {
    ids.push(await pod!.add("first", "sleep 1001 & sleep 1000", shared));
    ids.push(await pod!.add("second", "sleep 2000", shared));
  });
  await says("shared pid namespace: the one sees the other", crictl("exec", "-s", ids[1] ?? "none", "ps"), {
    says: /sleep 1001/,
  });
  await says("shared pid namespace: stop", crictl("stop", "--timeout", "1", ids[0] ?? "none"));
  await check("shared pid namespace: nothing of it is left", async () => {
    const { output } = await run(crictl("exec", "-s", ids[1]!, "ps"));
    if (/sleep 100[01]\b/.test(output)) throw new Error(output);
    matches(output, /sleep 2000/);
  });
  await says("shared pid namespace: rmp", crictl("rmp", "-f", pod!.id));
}

async function nothingLeft({ crictl, state, place }: Kubernetes): Promise<void> {
  await check("left behind: no container", async () => equal(await answer(crictl("ps", "-aq")), ""));
  await check("left behind: nothing in the runtime's state directory", () =>
    eventually(() => equal(namesIn(state), "")),
  );
  const kubelets = /^\/(harness|kubepods|kubepods\/burstable|kubepods\/burstable\/pod\w+)$/;
  await check("left behind: no cgroup", () => eventually(() => equal(cgroupsLeft(place.cgroup, kubelets), "")));
  await check("left behind: no mount", () => equal(mountsBelow(`${place.scratch}/containerd/state`).join(" "), ""));
  await check("left behind: no shim", () =>
    eventually(() => equal(processesOf("containerd-shim-runc-v2").join(" "), "")),
  );
}
