import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { answer, equals, says } from "../command.ts";
import type { Engine } from "./engine.ts";

/** Mounts, volumes, devices, masks. */
export async function filesystems(engine: Engine): Promise<void> {
  const { run: once, image, place } = engine;
  const volume = join(place.scratch, "volume");
  mkdirSync(volume);
  writeFileSync(join(volume, "f"), "host\n");
  const readOnly = { status: 1, says: /Read-only file system/ };
  await says("mounts: a read-only root", once("--read-only", image, "touch", "/x"), readOnly);
  const tmpfs = ["--read-only", "--tmpfs", "/t:size=1m,mode=1777", image];
  await says("mounts: a tmpfs in it", once(...tmpfs, "sh", "-c", "df -k /t; touch /t/x && echo ok"), {
    says: [/tmpfs.* 1024 /, /^ok$/m],
  });
  await says("mounts: a bind mount", once("-v", `${volume}:/vol`, image, "sh", "-c", "cat /vol/f; echo back >/vol/g"), {
    says: /^host$/m,
  });
  await equals("mounts: what was written there", async () => readFileSync(join(volume, "g"), "utf8"), "back\n");
  await says("mounts: a read-only bind mount", once("-v", `${volume}:/vol:ro`, image, "touch", "/vol/x"), readOnly);
  await answer(["mount", "--bind", volume, volume]);
  await answer(["mount", "--make-shared", volume]);
  const slave = once("-v", `${volume}:/vol:rslave`, image, "grep", " /vol ", "/proc/self/mountinfo");
  await says("mounts: propagation", slave, { says: /master:/ });
  await answer(once("-v", "named:/v", image, "sh", "-c", "echo kept >/v/f"));
  await says("mounts: a named volume keeps", once("-v", "named:/v", image, "cat", "/v/f"), { says: /^kept$/m });
  await says("mounts: the size of /dev/shm", once("--shm-size", "1m", image, "df", "-k", "/dev/shm"), {
    says: /shm +1024 /,
  });
  await devicesAndMasks(engine);
}

async function devicesAndMasks({ name, run: once, image }: Engine): Promise<void> {
  await says("devices: one given", once("--device", "/dev/kmsg", image, "ls", "-l", "/dev/kmsg"), {
    says: /^crw.*1, +11/m,
  });
  const made = "mknod /home/k c 1 11; head -c 1 /home/k";
  await says("devices: one not given", once("--cap-add", "MKNOD", image, "sh", "-c", made), {
    status: 1,
    says: /Operation not permitted/,
  });
  await says(
    "devices: the usual ones",
    once(image, "sh", "-c", "echo >/dev/null; head -c 4 /dev/urandom | wc -c; ls -l /dev/fd"),
    {
      says: [/^4$/m, /\/proc\/self\/fd/],
    },
  );
  const forwarding = ["--sysctl", "net.ipv4.ip_forward=1", image, "cat", "/proc/sys/net/ipv4/ip_forward"];
  await says("sysctl: one of its network", once(...forwarding), { says: /^1$/m });
  const hidden = / \/(proc\/keys|proc\/timer_list|sys\/firmware) /;
  await says("masks: paths of /proc and /sys", once(image, "cat", "/proc/self/mountinfo"), {
    says: [hidden, / \/proc\/sys ro,/],
  });
  const unmask = name === "docker" ? "systempaths=unconfined" : "unmask=ALL";
  const looked = ["grep", "-E", hidden.source.replaceAll("\\/", "/"), "/proc/self/mountinfo"];
  await says("masks: none", once("--security-opt", unmask, image, ...looked), { status: 1 });
}
