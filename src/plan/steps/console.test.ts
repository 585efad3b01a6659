import { expect, test } from "bun:test";
import { existsSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { CLONE_NEWNS, SOCK_STREAM } from "../../../native-bindings/constants.ts";
import { close } from "../../../native-bindings/files.ts";
import { receiveWithDescriptors, socketPair } from "../../../native-bindings/unix-socket.ts";
import { buildImage } from "../../program/image.ts";
import { rootfsInput, rootfsProgram, withRootfs } from "../run-rootfs-for-test.ts";

const DEVPTS = { destination: "/dev/pts", type: "devpts", source: "devpts", options: ["newinstance", "ptmxmode=0666"] };
const DEV = { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["mode=755"] };

/** Runs a shell with a terminal; what it writes there, when the master was sent. */
function runWithTerminal(rootfs: string, directory: string, mounts: object[], script: string) {
  const process = { cwd: "/", args: ["sh"], terminal: true, consoleSize: { height: 24, width: 81 } };
  const { program } = rootfsProgram(rootfsInput(rootfs, { process, mounts }), script, CLONE_NEWNS, { console: 3 });
  const image = join(directory, "image");
  writeFileSync(image, buildImage(program), { mode: 0o755 });
  const [ours, theirs] = socketPair(SOCK_STREAM);
  const run = Bun.spawnSync([image], { stdio: ["ignore", "pipe", "inherit", theirs], timeout: 5000 });
  close(theirs);
  try {
    if (run.exitCode === 99) return { exitCode: run.exitCode, name: "", descriptors: 0 };
    const { bytes, fds } = receiveWithDescriptors(ours, 100, 1000);
    for (const fd of fds) close(fd);
    return { exitCode: run.exitCode, name: new TextDecoder().decode(bytes), descriptors: fds.length };
  } finally {
    close(ours);
  }
}

test("the container gets its terminal on /dev/console and standard input, and the caller its master", () => {
  withRootfs((rootfs, directory) => {
    const script = "[ -c /dev/console ] && [ -t 0 ] && [ -t 2 ] && [ \"$(stty size)\" = '24 81' ] && : < /dev/tty";
    symlinkSync("busybox", join(rootfs, "bin/stty"));
    const run = runWithTerminal(rootfs, directory, [DEV, DEVPTS], script);
    expect(run).toEqual({ exitCode: 0, name: "/dev/ptmx", descriptors: 1 });
  });
});

test("CVE-2026-88264: a /dev/console that is a symbolic link makes no file on the host", () => {
  withRootfs((rootfs, directory) => {
    const victim = join(directory, "created");
    mkdirSync(join(rootfs, "dev"));
    symlinkSync(victim, join(rootfs, "dev/console"));
    // The link itself is what the terminal is mounted on.
    expect(runWithTerminal(rootfs, directory, [DEVPTS], "[ -c /dev/console ]").exitCode).toBe(0);
    expect(existsSync(victim)).toBe(false);
  });
});

test("a ptmx that is not of a devpts is refused", () => {
  withRootfs((rootfs, directory) => {
    mkdirSync(join(rootfs, "dev/pts"), { recursive: true });
    writeFileSync(join(rootfs, "dev/pts/ptmx"), "");
    expect(runWithTerminal(rootfs, directory, [], "true").exitCode).toBe(99);
  });
});
