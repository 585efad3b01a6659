import { createHash } from "node:crypto";
import { chmodSync, copyFileSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { arch } from "node:os";
import { join } from "node:path";

export interface Image {
  /** A root filesystem as a directory. */
  readonly rootfs: string;
  /** The same as a tar archive, which docker and podman import. */
  readonly tar: string;
}

/** Makes a root filesystem of a static busybox, with two users. No registry is asked for anything. */
export function makeImage(scratch: string): Image {
  const rootfs = join(scratch, "rootfs");
  for (const name of ["bin", "dev", "proc", "sys", "tmp", "etc", "root", "run", "home", "var"]) {
    mkdirSync(join(rootfs, name), { recursive: true });
  }
  const busybox = Bun.which("busybox");
  if (busybox === null) throw new Error("no busybox: apt-get install busybox-static");
  copyFileSync(busybox, join(rootfs, "bin/busybox"));
  for (const applet of output([busybox, "--list"]).trim().split("\n")) {
    if (applet !== "busybox") symlinkSync("busybox", join(rootfs, "bin", applet));
  }
  writeFileSync(join(rootfs, "etc/passwd"), "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home:/bin/sh\n");
  writeFileSync(join(rootfs, "etc/group"), "root:x:0:\nuser:x:1000:\n");
  chmodSync(join(rootfs, "tmp"), 0o1777);
  const tar = join(scratch, "rootfs.tar");
  output(["tar", "-C", rootfs, "-cf", tar, "."]);
  return { rootfs, tar };
}

/**
 * Packs it as an archive that `ctr image import` takes: an image layout (image-spec, image-layout.md) with one layer.
 *
 * @param names of the image; @param command what runs without another one.
 */
export function makeLayoutArchive(image: Image, scratch: string, names: readonly string[], command: string[]): string {
  const layout = join(scratch, "layout");
  const blobs = join(layout, "blobs/sha256");
  mkdirSync(blobs, { recursive: true });
  const blob = (bytes: Uint8Array | string) => {
    const digest = createHash("sha256").update(bytes).digest("hex");
    writeFileSync(join(blobs, digest), bytes);
    return { digest: `sha256:${digest}`, size: statSync(join(blobs, digest)).size };
  };
  const architecture = arch() === "arm64" ? "arm64" : "amd64";
  const type = (name: string) => `application/vnd.oci.image.${name}`;
  const layer = { mediaType: type("layer.v1.tar"), ...blob(readFileSync(image.tar)) };
  const config = blob(
    JSON.stringify({
      architecture,
      os: "linux",
      config: { Env: ["PATH=/usr/bin:/bin:/sbin", "IMGENV=1"], Cmd: command },
      rootfs: { type: "layers", diff_ids: [layer.digest] },
    }),
  );
  const manifest = blob(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: type("manifest.v1+json"),
      config: { mediaType: type("config.v1+json"), ...config },
      layers: [layer],
    }),
  );
  const manifests = names.map((name) => ({
    mediaType: type("manifest.v1+json"),
    ...manifest,
    annotations: { "io.containerd.image.name": name },
    platform: { architecture, os: "linux" },
  }));
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
  writeFileSync(join(layout, "oci-layout"), JSON.stringify({ imageLayoutVersion: "1.0.0" }));
  const archive = join(scratch, "image.tar");
  output(["tar", "-C", layout, "-cf", archive, "oci-layout", "index.json", "blobs"]);
  return archive;
}

function output(command: string[]): string {
  const done = Bun.spawnSync(command, { stderr: "pipe" });
  if (done.exitCode !== 0) throw new Error(`${command.join(" ")}: ${done.stderr}`);
  return done.stdout.toString();
}
