import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { listenForDescriptor } from "./console-socket.ts";
import { containers, succeeded } from "./harness.ts";
import { needs } from "./supports.ts";

const { base, bundle, create, env, runBundle, running, runtime, state } = containers("activation");

const file = join(base, "passed");
writeFileSync(file, "passed\n");

/** As systemd starts a service that has sockets: the number is in the environment, the pid is the runtime's own. */
const activated = (count: number) => ({
  env,
  through: ["sh", "-c", `exec 3<${file} 4<${file}; LISTEN_PID=$$ LISTEN_FDS=${count} exec "$@"`, "sh"],
});

test("descriptors that systemd passes are the program's, which is told so", () => {
  const of = bundle('cat <&3; echo "$LISTEN_FDS $LISTEN_PID"; ls /proc/self/fd | wc -l');
  expect(succeeded(runBundle(of, activated(1))).stdout).toBe("passed\n1 1\n5\n");
});

test("descriptors for another pid aren't the program's", () => {
  const of = bundle('echo "[$LISTEN_FDS]"; ls /proc/self/fd | wc -l');
  const outcome = runBundle(of, { through: ["sh", "-c", `exec 3<${file}; LISTEN_PID=1 LISTEN_FDS=1 exec "$@"`, "sh"] });
  expect(succeeded(outcome).stdout).toBe("[]\n4\n");
});

needs("pidfd socket")("--pidfd-socket gets a descriptor of the init", () => {
  const path = join(base, "pidfd");
  const socket = listenForDescriptor(path);
  const of = create("true", undefined, ["--pidfd-socket", path]);
  const received = socket.receive();
  socket.close();
  const about = Bun.spawnSync(["sh", "-c", `cat /proc/${process.pid}/fdinfo/${received.fd}`]).stdout.toString();
  expect(received.name).toBe("standard");
  expect(about).toMatch(new RegExp(`^Pid:\\s+${state(of.id).pid}$`, "m"));
});

needs("pidfd socket", "exec command")("exec --pidfd-socket gets a descriptor of its process", () => {
  const path = join(base, "exec-pidfd");
  const socket = listenForDescriptor(path);
  const of = running();
  succeeded(runtime(["exec", "--detach", "--pidfd-socket", path, of.id, "sleep", "999"]));
  expect(socket.receive().name).toBe("setns");
  socket.close();
});
