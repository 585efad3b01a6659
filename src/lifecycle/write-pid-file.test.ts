import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EISDIR, ENOENT } from "../../native-bindings/errno.ts";
import { RuntimeFault } from "../report/fault.ts";
import { writePidFile } from "./write-pid-file.ts";

const directory = mkdtempSync(join(tmpdir(), "runts-pid-file-"));
afterAll(() => rmSync(directory, { recursive: true }));

function faultOf(action: () => void): RuntimeFault {
  try {
    action();
  } catch (error) {
    expect(error).toBeInstanceOf(RuntimeFault);
    return error as RuntimeFault;
  }
  throw new Error("nothing was thrown");
}

test("the file has the digits and nothing else, and takes the place of an older one", () => {
  const path = join(directory, "pid");
  writeFileSync(path, "a longer text than a pid");
  writePidFile(path, 4711);
  expect(readFileSync(path, "utf8")).toBe("4711");
  expect(readdirSync(directory)).toEqual(["pid"]);
});

test("a link in its place is replaced, and what it led to is left alone", () => {
  const [link, target] = [join(directory, "link"), join(directory, "target")];
  writeFileSync(target, "precious");
  symlinkSync(target, link);
  writePidFile(link, 1);
  expect([readFileSync(link, "utf8"), readFileSync(target, "utf8")]).toEqual(["1", "precious"]);
});

test("a failure names the flag, and leaves nothing behind", () => {
  const missing = faultOf(() => writePidFile(join(directory, "no/where"), 1));
  expect(missing.facts).toMatchObject({ where: "--pid-file", errno: ENOENT });
  const occupied = join(directory, "occupied");
  mkdirSync(occupied);
  const before = readdirSync(directory).sort();
  expect(faultOf(() => writePidFile(occupied, 1)).facts).toMatchObject({ where: "--pid-file", errno: EISDIR });
  expect(readdirSync(directory).sort()).toEqual(before);
});
