/**
 * The config.json that a container was created from, as it was then: `exec` and others go by what the container has, not by
 * what its bundle says by now. A file of its own beside the record, because `state`, `kill` and `delete` have no use for it.
 */
import {
  close,
  O_CREAT,
  O_EXCL,
  O_NOFOLLOW,
  O_WRONLY,
  open,
  readTextIfThere,
  writeAll,
} from "../../native-bindings/files.ts";
import { utf8 } from "../../native-bindings/libc.ts";
import { asFault, RuntimeFault } from "../report/fault.ts";

const name = "config.json";

/** @param directory the container's, below the state root. @throws RuntimeFault with the path and the errno. */
export function writeCreatedConfig(directory: string, text: string): void {
  const path = `${directory}/${name}`;
  try {
    const fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      writeAll(fd, utf8(text), path);
    } finally {
      close(fd);
    }
  } catch (error) {
    throw asFault(error, "unable to store the container's config", path);
  }
}

/** The text, which was found valid when the container was created. @throws RuntimeFault when it is gone. */
export function readCreatedConfig(directory: string): string {
  const path = `${directory}/${name}`;
  let text: string | undefined;
  try {
    text = readTextIfThere(path);
  } catch (error) {
    throw asFault(error, "unable to read the container's config", path);
  }
  if (text === undefined) throw new RuntimeFault({ what: "the container's config is gone", where: path });
  return text;
}
