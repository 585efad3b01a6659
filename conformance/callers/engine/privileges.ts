import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { says } from "../command.ts";
import { noSysResource } from "../machine.ts";
import type { Engine } from "./engine.ts";

/** Capabilities, groups, seccomp. */
export async function privileges({ name, run: once, image, place, capabilities }: Engine): Promise<void> {
  const status = (field: string) => [image, "grep", field, "/proc/self/status"];
  const none = /CapEff:\s*0000000000000000/;
  await says("privileges: the usual ones", once(...status("CapEff")), {
    says: new RegExp(`CapEff:\\s*0*${capabilities.usual}$`, "m"),
  });
  await says("privileges: all dropped", once("--cap-drop", "ALL", ...status("CapEff")), { says: none });
  await says("privileges: one added", once("--cap-add", "SYS_ADMIN", ...status("CapEff")), {
    says: new RegExp(`CapEff:\\s*0*${capabilities.withSysAdmin}$`, "m"),
  });
  await says("privileges: none for a user", once("-u", "1000", ...status("Cap")), {
    says: [none, new RegExp(`CapBnd:\\s*0*${capabilities.usual}$`, "m")],
  });
  // Docker asks for every capability there is; Podman for those of the bounding set.
  await says("privileges: all", once("--privileged", ...status("Seccomp:")), {
    says: /Seccomp:\s*0/,
    machine: name === "docker" ? noSysResource() : "",
  });
  await says("privileges: no_new_privs", once("--security-opt", "no-new-privileges", ...status("NoNewPrivs")), {
    says: /NoNewPrivs:\s*1/,
  });
  await says("privileges: a group more", once("--group-add", "7", "-u", "1000", image, "id"), {
    says: /groups=.*\b7\b/,
  });

  await says("seccomp: the engine's profile", once(...status("Seccomp:")), { says: /Seccomp:\s*2/ });
  await says("seccomp: none", once("--security-opt", "seccomp=unconfined", ...status("Seccomp:")), {
    says: /Seccomp:\s*0/,
  });
  const profile = join(place.scratch, "seccomp.json");
  const refused = { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38 };
  writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", syscalls: [refused] }));
  await says(
    "seccomp: a profile with its own errno",
    once("--security-opt", `seccomp=${profile}`, image, "mkdir", "/home/x"),
    {
      status: 1,
      says: /Function not implemented/,
    },
  );
}
