import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { homeDirectory } from "./home-directory.ts";

const base = mkdtempSync(join(tmpdir(), "runts-home-"));
afterAll(() => rmSync(base, { recursive: true }));

let count = 0;

/** A root whose etc/passwd is what `make` puts at the path it is given. */
function root(make: (passwd: string, root: string) => void): string {
  const rootfs = join(base, `root-${++count}`);
  mkdirSync(join(rootfs, "etc"), { recursive: true });
  make(join(rootfs, "etc/passwd"), rootfs);
  return rootfs;
}

const PASSWD = `root:x:0:0:root:/root:/bin/sh
# a comment
broken:line
1000:x:7:7:a user whose name is a number:/home/seven:/bin/sh
user:x:1000:1000::/home/user:/bin/sh
user2:x:1000:1000::/home/second:/bin/sh
homeless:x:1001:1001:::/bin/sh
last:x:1002:1002::/home/last:`;

const usual = () => root((passwd) => writeFileSync(passwd, PASSWD));

const rows: [name: string, uid: number, home: string][] = [
  ["root's", 0, "/root"],
  ["the first entry of an id", 1000, "/home/user"],
  ["a name that is a number is no id", 7, "/home/seven"],
  ["an empty home", 1001, "/"],
  ["the last line, without a newline", 1002, "/home/last"],
  ["an id without an entry", 4242, "/"],
];
for (const [name, uid, home] of rows) {
  test(`${name}: ${home}`, () => expect(homeDirectory(usual(), uid)).toBe(home));
}

test("without /etc/passwd, or without the root, it is /", () => {
  expect(
    homeDirectory(
      root(() => {}),
      0,
    ),
  ).toBe("/");
  expect(homeDirectory(join(base, "nowhere"), 0)).toBe("/");
});

test("links of the image are followed inside the image only", () => {
  const outside = join(base, "outside");
  writeFileSync(outside, "root:x:0:0::/stolen:\n");
  expect(
    homeDirectory(
      root((passwd) => symlinkSync(outside, passwd)),
      0,
    ),
  ).toBe("/");
  expect(
    homeDirectory(
      root((passwd) => symlinkSync("../../../../../outside", passwd)),
      0,
    ),
  ).toBe("/");
  const inside = root((passwd, rootfs) => {
    mkdirSync(join(rootfs, "usr/lib"), { recursive: true });
    writeFileSync(join(rootfs, "usr/lib/passwd"), PASSWD);
    symlinkSync("/usr/lib/passwd", passwd);
  });
  expect(homeDirectory(inside, 1000)).toBe("/home/user");
  expect(
    homeDirectory(
      root((passwd) => symlinkSync("/proc/self/fd/0", passwd)),
      0,
    ),
  ).toBe("/");
});

test("what is no regular file is not read: a FIFO would never end", () => {
  expect(
    homeDirectory(
      root((passwd) => Bun.spawnSync(["mkfifo", passwd])),
      0,
    ),
  ).toBe("/");
  expect(
    homeDirectory(
      root((passwd) => mkdirSync(passwd)),
      0,
    ),
  ).toBe("/");
  expect(
    homeDirectory(
      root((passwd) => Bun.spawnSync(["mknod", passwd, "c", "1", "5"])),
      0,
    ),
  ).toBe("/");
});

test("a file of unreasonable size is as good as none", () => {
  const huge = root((passwd) => writeFileSync(passwd, `${PASSWD}\n${"x".repeat(2 << 20)}`));
  expect(homeDirectory(huge, 0)).toBe("/");
});

test("a file that is bound over it is what counts", () => {
  const source = join(base, "bound");
  writeFileSync(source, "root:x:0:0::/bound:\n");
  expect(homeDirectory(usual(), 0, source)).toBe("/bound");
  expect(homeDirectory(usual(), 0, join(base, "nowhere"))).toBe("/");
});
