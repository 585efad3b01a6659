import { CLONE_NEWUSER, SOCK_SEQPACKET } from "../../native-bindings/constants.ts";
import { close } from "../../native-bindings/files.ts";
import { socketPair } from "../../native-bindings/unix-socket.ts";
import { load, ProgramBuilder } from "../program/builder.ts";
import { Message } from "../program/layout.ts";
import { hear, limitSilence } from "./conversation.ts";
import { reap } from "./reap.ts";
import { spawnProgram } from "./spawn-program.ts";

/**
 * Has a little process wait in a user namespace while `use` is done with its pid; then it ends. This process can't go there
 * itself: it has threads. setns(2), unshare(2).
 *
 * @param joined a descriptor of the namespace; undefined: a new one.
 * @returns what `use` gives; undefined when the process could not get there.
 */
export function withUserNamespace<T>(
  joined: number | undefined,
  directory: string,
  use: (pid: number) => T,
): T | undefined {
  const p = new ProgramBuilder();
  const descriptors: number[] = joined === undefined ? [] : [joined];
  const sources = descriptors.map(() => p.slot("runtime_namespace", 0));
  const sync = p.slot("runtime_sync", 0);
  p.fail = p.label();
  if (joined === undefined) p.call(p.nr.unshare, CLONE_NEWUSER);
  else p.call(p.nr.setns, load(sources[0]!), CLONE_NEWUSER);
  p.call(p.nr.write, load(sync), p.constantWords([Message.WantsMaps, 0, 0]), 12);
  p.call(p.nr.read, load(sync), p.space(1, 1), 1);
  p.place(p.fail);
  p.call(p.nr.exit_group, 0).ignoreError();

  const [ours, theirs] = socketPair(SOCK_SEQPACKET);
  let pid = 0;
  try {
    try {
      pid = spawnProgram({
        program: p,
        firstOwn: 3,
        descriptors: [...descriptors, theirs],
        sources: [...sources, sync],
        stateDirectory: directory,
      });
    } finally {
      // Or its end would not be noticed.
      close(theirs);
    }
    limitSilence(ours);
    return hear(ours, false).kind === Message.WantsMaps ? use(pid) : undefined;
  } finally {
    // End of file: the program ends.
    close(ours);
    reap(pid);
  }
}
