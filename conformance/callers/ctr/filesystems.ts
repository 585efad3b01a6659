import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, equals } from "../command.ts";
import { cgroupFile } from "../processes.ts";
import { type Containerd, says } from "./containerd.ts";

/** Mounts, and limits. */
export async function ctrFilesystems(containerd: Containerd): Promise<void> {
  await mounts(containerd);
  await limits(containerd);
}

async function mounts({ run: once, image, place }: Containerd): Promise<void> {
  const volume = join(place.scratch, "volume");
  mkdirSync(volume);
  writeFileSync(join(volume, "f"), "host\n");
  const bind = (mode: string) => ["--mount", `type=bind,src=${volume},dst=/vol,options=rbind:${mode}`, image];
  await says("mounts: a read-only root", once("--read-only", image, "f1", "touch", "/x"), {
    status: 1,
    says: /Read-only file system/,
  });
  await says("mounts: a bind mount", once(...bind("rw"), "f2", "sh", "-c", "cat /vol/f; echo back >/vol/g"), {
    says: /^host$/m,
  });
  await equals("mounts: what was written there", async () => readFileSync(join(volume, "g"), "utf8"), "back\n");
  await says("mounts: a read-only bind mount", once(...bind("ro"), "f3", "touch", "/vol/x"), {
    status: 1,
    says: /Read-only file system/,
  });
  const tmpfs = once("--mount", "type=tmpfs,src=tmpfs,dst=/t,options=size=1m", image, "f4", "df", "-k", "/t");
  await says("mounts: a tmpfs with its size", tmpfs, { says: /tmpfs.* 1024 / });
  await says("mounts: masked and read-only paths", once(image, "f5", "cat", "/proc/self/mountinfo"), {
    says: [/ \/(proc\/keys|proc\/timer_list|sys\/firmware) /, / \/proc\/sys ro,/],
  });
}

async function limits({ ctr, task, remove, run: once, image, place }: Containerd): Promise<void> {
  const limited = ["--memory-limit", "67108864", "--cpus", "0.5", image, "l1", "sleep", "100"];
  await answer(ctr("run", "-d", "--runc-binary", place.runtime, "--runc-root", `${place.scratch}/state`, ...limited));
  const { pid } = await task("l1");
  const memory = async () => cgroupFile(pid, "memory", "memory.limit_in_bytes", "memory.max");
  await equals("limits: memory", memory, "67108864");
  const quota = async () => cgroupFile(pid, "cpu", "cpu.cfs_quota_us", "cpu.max").split(" ")[0]!;
  await equals("limits: CPU", quota, "50000");
  await remove("l1");
  const greedy = once("--memory-limit", "16777216", image, "l2", "sh", "-c", "tail /dev/zero; exit $?");
  await says("limits: too much memory is the end", greedy, { status: 137 });
}
