import { saysAtTerminal } from "../command.ts";
import { type Containerd, says } from "./containerd.ts";

/** Capabilities, seccomp, user namespaces. */
export async function ctrPrivileges({ run: once, image }: Containerd): Promise<void> {
  const status = (field: string) => ["grep", field, "/proc/self/status"];
  await says(
    "privileges: one dropped",
    once("--cap-drop", "CAP_CHOWN", image, "s1", "sh", "-c", "grep CapEff /proc/self/status; chown 1 /home"),
    { status: 1, says: [/CapEff:.*fa$/m, /not permitted/] },
  );
  const added = once("--cap-add", "CAP_SYS_ADMIN", image, "s2", ...status("CapEff"));
  await says("privileges: one added", added, { says: /CapEff:.*a82425fb$/m });
  await says("privileges: no_new_privs", once(image, "s3", ...status("NoNewPrivs")), { says: /NoNewPrivs:\s*1/ });
  const allowed = once("--allow-new-privs", image, "s4", ...status("NoNewPrivs"));
  await says("privileges: new privileges allowed", allowed, { says: /NoNewPrivs:\s*0/ });
  await says("privileges: all", once("--privileged", image, "s5", ...status("Seccomp:")), { says: /Seccomp:\s*0/ });
  await says(
    "seccomp: containerd's profile",
    once("--seccomp", image, "s6", "sh", "-c", "grep Seccomp: /proc/self/status; unshare -U true; true"),
    { says: [/Seccomp:\s*2/, /not permitted/] },
  );
  await says("seccomp: none", once(image, "s7", ...status("Seccomp:")), { says: /Seccomp:\s*0/ });
  const mapped = ["--uidmap", "0:100000:65536", "--gidmap", "0:100000:65536"];
  await says(
    "user namespace: mapped root",
    once(...mapped, image, "u1", "sh", "-c", "id; cat /proc/self/uid_map; touch /rootok"),
    { says: [/uid=0/, /^ +0 +100000 +65536$/m] },
  );
  await saysAtTerminal("user namespace: a terminal", once("-t", ...mapped, image, "u2", "sh", "-c", "tty; sleep 1"), {
    says: /\/dev\/pts\/0/,
  });
}
