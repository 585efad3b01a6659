import { afterEach, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EEXIST, ELOOP } from "../../native-bindings/errno.ts";
import { close, O_DIRECTORY, O_PATH, open } from "../../native-bindings/files.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { copyTree } from "./copy-tree.ts";

const directories: string[] = [];
afterEach(() => {
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

function pair(): { from: string; to: string } {
  const base = mkdtempSync(join(tmpdir(), "runts-copy-tree-"));
  directories.push(base);
  const [from, to] = [join(base, "from"), join(base, "to")];
  mkdirSync(from);
  mkdirSync(to);
  return { from, to };
}

/** As the program sends them: opened with O_PATH. */
function copy({ from, to }: { from: string; to: string }): void {
  const fds = [open(from, O_PATH | O_DIRECTORY), open(to, O_PATH | O_DIRECTORY)] as const;
  try {
    copyTree(...fds);
  } finally {
    for (const fd of fds) close(fd);
  }
}

function errnoOf(action: () => void): number | undefined {
  try {
    action();
  } catch (error) {
    if (error instanceof SystemError) return error.errno;
    throw error;
  }
  return undefined;
}

const mode = (path: string) => lstatSync(path).mode & 0o7777;

test("files come with their content, owner and mode, set-user-ID included", () => {
  const at = pair();
  const content = Buffer.alloc(3 << 20, "content ");
  writeFileSync(join(at.from, "large"), content);
  writeFileSync(join(at.from, "empty"), "");
  writeFileSync(join(at.from, "closed"), "secret");
  chownSync(join(at.from, "large"), 1000, 2000);
  chmodSync(join(at.from, "large"), 0o4755);
  chmodSync(join(at.from, "closed"), 0);
  copy(at);
  expect(readFileSync(join(at.to, "large")).equals(content)).toBe(true);
  expect(readFileSync(join(at.to, "closed"), "utf8")).toBe("secret");
  expect(lstatSync(join(at.to, "empty")).size).toBe(0);
  expect(lstatSync(join(at.to, "large"))).toMatchObject({ uid: 1000, gid: 2000 });
  expect([mode(join(at.to, "large")), mode(join(at.to, "closed"))]).toEqual([0o4755, 0]);
});

test("directories come with all that is in them, their owner and mode", () => {
  const at = pair();
  mkdirSync(join(at.from, "a/b/c"), { recursive: true });
  writeFileSync(join(at.from, "a/b/c/file"), "deep");
  chmodSync(join(at.from, "a/b"), 0o1777);
  chownSync(join(at.from, "a"), 7, 8);
  copy(at);
  expect(readFileSync(join(at.to, "a/b/c/file"), "utf8")).toBe("deep");
  expect(mode(join(at.to, "a/b"))).toBe(0o1777);
  expect(lstatSync(join(at.to, "a"))).toMatchObject({ uid: 7, gid: 8 });
});

test("symbolic links are copied as links, wherever they lead, and never followed", () => {
  const at = pair();
  for (const [name, target] of [
    ["nowhere", "/does/not/exist"],
    ["directory", "/etc"],
    ["out", "../../../../etc/passwd"],
  ] as const) {
    symlinkSync(target, join(at.from, name));
  }
  copy(at);
  expect(readlinkSync(join(at.to, "nowhere"))).toBe("/does/not/exist");
  expect(readlinkSync(join(at.to, "directory"))).toBe("/etc");
  expect(readlinkSync(join(at.to, "out"))).toBe("../../../../etc/passwd");
});

test("FIFOs and devices become what they are, without being opened", () => {
  const at = pair();
  Bun.spawnSync(["mkfifo", "-m", "666", join(at.from, "fifo")]);
  // A minor number above 255 takes other bits: makedev(3).
  Bun.spawnSync(["mknod", "-m", "600", join(at.from, "device"), "c", "10", "300"]);
  copy(at);
  expect(lstatSync(join(at.to, "fifo")).isFIFO()).toBe(true);
  expect(mode(join(at.to, "fifo"))).toBe(0o666);
  const [copied, original] = [lstatSync(join(at.to, "device")), lstatSync(join(at.from, "device"))];
  expect([copied.isCharacterDevice(), copied.rdev]).toEqual([true, original.rdev]);
});

test("nothing that is there already is written over", () => {
  const at = pair();
  writeFileSync(join(at.from, "file"), "new");
  writeFileSync(join(at.to, "file"), "old");
  expect(errnoOf(() => copy(at))).toBe(EEXIST);
  expect(readFileSync(join(at.to, "file"), "utf8")).toBe("old");
});

test("a tree too deep for any image is refused", () => {
  const at = pair();
  mkdirSync(join(at.from, "d/".repeat(300)), { recursive: true });
  expect(errnoOf(() => copy(at))).toBe(ELOOP);
});
