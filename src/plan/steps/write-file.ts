import { AT_FDCWD, O_CLOEXEC, O_WRONLY } from "../../../native-bindings/files.ts";
import { load, type ProgramBuilder } from "../../program/builder.ts";

/** Writes `text` to a file that exists, by an absolute path: /proc and /sys of the host, before pivot_root. */
export function emitWriteFile(p: ProgramBuilder, path: string, text: string): void {
  const fd = p.slot("file");
  p.call(p.nr.openat, AT_FDCWD, p.string(path), O_WRONLY | O_CLOEXEC).save(fd);
  p.call(p.nr.write, load(fd), p.string(text), new TextEncoder().encode(text).length);
  p.call(p.nr.close, load(fd));
}
