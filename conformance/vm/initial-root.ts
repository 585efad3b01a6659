import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { run } from "./run.ts";

/** Disks and the channels to the host; the file systems are in the kernel. Overlayfs is for the tests. */
const wanted = ["virtio_pci", "virtio_blk", "virtio_console", "overlay"];
const applets = ["sh", "mount", "umount", "insmod", "mkdir", "cp", "ln", "switch_root"];
const guestFiles = join(import.meta.dir, "guest");

/**
 * Writes the initial root of the machine: busybox, the kernel's modules for the disks, and guest/. It is made for every start, so a
 * change of those files needs no new image.
 *
 * @param modules lib/modules/VERSION of the kernel.
 */
export function writeInitialRoot(modules: string, file: string): void {
  const root = mkdtempSync(join(tmpdir(), "runts-vm-initial-"));
  try {
    for (const name of ["bin", "dev", "proc", "sys", "root", "modules", "guest"]) mkdirSync(join(root, name));
    copyFileSync(Bun.which("busybox") ?? "/bin/busybox", join(root, "bin/busybox"));
    for (const applet of applets) symlinkSync("busybox", join(root, "bin", applet));
    const order = inOrder(modules);
    for (const path of order) copyFileSync(join(modules, path), join(root, "modules", basename(path)));
    writeFileSync(join(root, "modules/order"), order.map((path) => `${basename(path)}\n`).join(""));
    for (const name of readdirSync(guestFiles)) copyFileSync(join(guestFiles, name), join(root, "guest", name));
    copyFileSync(join(guestFiles, "init"), join(root, "init"));
    run(["sh", "-c", 'find . | busybox cpio -o -H newc >"$0"', file], { cwd: root });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Paths of the wanted modules and of what they need, each after its needs; modules.dep lists those nearest first. */
function inOrder(modules: string): string[] {
  const order: string[] = [];
  const lines = readFileSync(join(modules, "modules.dep"), "utf8").split("\n");
  for (const name of wanted) {
    const line = lines.find((each) => each.split(":")[0]!.endsWith(`/${name}.ko`));
    if (line === undefined) throw new Error(`the kernel has no module ${name}`);
    const [path, needs = ""] = line.split(":");
    for (const each of [path!, ...needs.trim().split(" ")].reverse()) {
      if (each !== "" && !order.includes(each)) order.push(each);
    }
  }
  return order;
}
