import { CLONE_NEWUSER, SOCK_SEQPACKET } from "../../native-bindings/constants.ts";
import { close, O_RDONLY, open } from "../../native-bindings/files.ts";
import { socketPair } from "../../native-bindings/unix-socket.ts";
import type { LinuxIDMapping } from "../bundle/config.ts";
import type { BindMount } from "../plan/steps/bind-mount.ts";
import { load, ProgramBuilder } from "../program/builder.ts";
import { Message } from "../program/layout.ts";
import { RuntimeFault } from "../report/fault.ts";
import { hear, limitSilence } from "./conversation.ts";
import { writeIdMaps } from "./id-maps.ts";
import { reap } from "./reap.ts";
import type { SetUp } from "./set-up.ts";
import { spawnProgram } from "./spawn-program.ts";

/**
 * A user namespace by which an id-mapped mount maps: with the mount's own mappings, else with the container's.
 *
 * A little program makes it and waits; its namespace stays while a descriptor of it is open, though the program ends.
 * mount_setattr(2), "ID-mapped mounts".
 *
 * @returns a descriptor; the caller closes it.
 */
export function mountUserNamespace(step: BindMount, setUp: SetUp): number {
  const { config } = setUp.prepared.bundle;
  const mount = config.mounts![Number(step.from.slice(step.from.lastIndexOf("/") + 1))]!;
  const joined = setUp.given.get("ns:user");
  const own = mount.uidMappings !== undefined && mount.uidMappings.length > 0;
  if (!own && joined !== undefined) return open(`/proc/self/fd/${joined}`, O_RDONLY);
  const uids = own ? mount.uidMappings : config.linux?.uidMappings;
  const gids = own ? mount.gidMappings : config.linux?.gidMappings;
  if (!uids?.length || !gids?.length) {
    throw new RuntimeFault({
      what: "an id-mapped mount needs uidMappings and gidMappings, or a user namespace of the container's",
      where: step.from,
      value: step.destination,
    });
  }
  return namespaceWith(uids, gids, setUp);
}

function namespaceWith(uids: readonly LinuxIDMapping[], gids: readonly LinuxIDMapping[], setUp: SetUp): number {
  const p = new ProgramBuilder();
  const [ours, theirs] = socketPair(SOCK_SEQPACKET);
  const source = p.slot("runtime_sync", 0);
  p.fail = p.label();
  p.call(p.nr.unshare, CLONE_NEWUSER);
  p.call(p.nr.write, load(source), p.constantWords([Message.WantsMaps, 0, 0]), 12);
  p.call(p.nr.read, load(source), p.space(1, 1), 1);
  p.place(p.fail);
  p.call(p.nr.exit_group, 0).ignoreError();
  let pid = 0;
  try {
    pid = spawnProgram({
      program: p,
      firstOwn: 3,
      descriptors: [theirs],
      sources: [source],
      stateDirectory: setUp.directory,
    });
    close(theirs);
    limitSilence(ours);
    if (hear(ours, false).kind !== Message.WantsMaps) {
      throw new RuntimeFault({ what: "unable to make a user namespace for an id-mapped mount" });
    }
    writeIdMaps(pid, uids, gids);
    return open(`/proc/${pid}/ns/user`, O_RDONLY);
  } finally {
    // End of file: the program ends.
    close(ours);
    reap(pid);
  }
}
