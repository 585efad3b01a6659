import { close, O_RDONLY, readAll, tryOpen } from "../../native-bindings/files.ts";
import { text } from "../../native-bindings/libc.ts";
import type { LinuxResources } from "../bundle/config.ts";
import { mostBytes } from "../bundle/read-document.ts";
import { valueOrThrow } from "../bundle/refuse.ts";
import { validateResourcesText } from "../bundle/validate-resources.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { requireWorkingDirectory } from "../report/working-directory.ts";

const STDIN = 0;

/**
 * Limits as JSON, in the form of linux.resources, from a file of the caller's (a pipe is fine) or standard input.
 *
 * @param source a path, or "-".
 * @throws RuntimeFault, listing every fault of the document.
 */
export function readGivenResources(source: string, log: Log): LinuxResources {
  const validation = validateResourcesText(source === "-" ? read(STDIN, "standard input") : readFile(source));
  const resources = valueOrThrow(validation, source === "-" ? "standard input" : source);
  for (const { pointer, message } of validation.warnings) {
    log.warn(pointer === "/memory" ? message : `${pointer}: ${message}`);
  }
  if (resources.devices !== undefined && resources.devices.length > 0) {
    log.warn("/devices: an update does not change device rules: they stay as they are");
  }
  return resources;
}

function readFile(path: string): string {
  requireWorkingDirectory(path, "--resources");
  const fd = tryOpen(path, O_RDONLY);
  if (fd < 0) throw new RuntimeFault({ what: `open ${path}`, where: "--resources", errno: -fd });
  try {
    return read(fd, path);
  } finally {
    close(fd);
  }
}

function read(fd: number, name: string): string {
  try {
    return text(readAll(fd, name, mostBytes));
  } catch (error) {
    throw asFault(error, `read ${name}`, "--resources");
  }
}
