import { existsSync, linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { repository } from "../machine/runtimes.ts";

export interface Images {
  /** Archives of a root file system, with names that begin with "./". */
  readonly busybox: string;
  readonly debian: string;
}

/**
 * The two root file systems that runc's tests download, made from what this machine has: its own busybox, laid out as Docker's image
 * is, and the smallest Debian. They are kept in build/bats.
 *
 * @throws when busybox or debootstrap is missing, or debootstrap fails.
 */
export async function makeImages(): Promise<Images> {
  const directory = join(repository, "build/bats");
  mkdirSync(directory, { recursive: true });
  const images = { busybox: join(directory, "busybox.tar"), debian: join(directory, "debian.tar") };
  if (!existsSync(images.busybox)) await archived(images.busybox, layOutBusybox, []);
  if (!existsSync(images.debian)) {
    console.error("making a root file system with debootstrap; this takes a minute");
    // As Debian's "slim" images do.
    const left = ["./var/cache/apt/*", "./var/lib/apt/lists/*", "./usr/share/doc/*", "./usr/share/man/*"];
    await archived(images.debian, bootstrapDebian, [...left, "./usr/share/locale/*"]);
  }
  return images;
}

async function archived(path: string, make: (root: string) => void, excluded: readonly string[]): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), "bats-image-"));
  try {
    const root = join(scratch, "rootfs");
    mkdirSync(root);
    make(root);
    const exclude = excluded.map((pattern) => `--exclude=${pattern}`);
    command(["tar", "--numeric-owner", ...exclude, "-C", root, "-cf", join(scratch, "image.tar"), "."]);
    command(["cp", join(scratch, "image.tar"), `${path}.new`]);
    renameSync(`${path}.new`, path);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** Every applet is a hard link in /bin: some tests remove or overwrite single ones. */
function layOutBusybox(root: string): void {
  const busybox = Bun.which("busybox");
  if (busybox === null) throw new Error("no busybox: apt-get install busybox-static");
  for (const name of ["bin", "dev", "etc", "home", "lib", "root", "sbin", "tmp", "usr/bin", "usr/sbin", "var/tmp"]) {
    mkdirSync(join(root, name), { recursive: true });
  }
  command(["chmod", "1777", join(root, "tmp"), join(root, "var/tmp")]);
  command(["cp", busybox, join(root, "bin/busybox")]);
  for (const name of command([busybox, "--list"]).split("\n")) {
    if (name !== "" && name !== "busybox") linkSync(join(root, "bin/busybox"), join(root, "bin", name));
  }
  symlinkSync("../../bin/env", join(root, "usr/bin/env"));
  const files = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/home:/bin/false\n",
    "etc/group": "root:x:0:\nnogroup:x:65534:\n",
  };
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content);
}

function bootstrapDebian(root: string): void {
  if (Bun.which("debootstrap") === null) throw new Error("no debootstrap: apt-get install debootstrap");
  command(["debootstrap", "--variant=minbase", "stable", root]);
}

function command(words: readonly string[]): string {
  const done = Bun.spawnSync([...words], { stdin: "ignore", cwd: dirname(repository), stderr: "pipe" });
  const said = () => `${done.stdout}${done.stderr}`.trim().split("\n").slice(-5).join("\n");
  if (done.exitCode !== 0) throw new Error(`${words.slice(0, 2).join(" ")} failed: ${said()}`);
  return done.stdout.toString();
}
