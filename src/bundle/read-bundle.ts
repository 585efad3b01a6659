import { AT_FDCWD, close, O_DIRECTORY, O_PATH, readLink, tryOpenAt } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Bundle } from "./bundle.ts";
import { readDocument } from "./read-document.ts";
import { valueOrThrow } from "./refuse.ts";
import { validateText } from "./validate.ts";

/** The bundle's one file, bundle.md. */
export const configName = "config.json";

/**
 * Reads and validates the bundle in `directory`, relative to the working directory or absolute.
 *
 * @throws RuntimeFault, listing every fault of the document.
 */
export function readBundle(directory: string): Bundle {
  const { physical, configText } = readConfigText(directory);
  const validation = validateText(configText);
  const config = valueOrThrow(validation, configName);
  return { directory: physical, config, configText, warnings: validation.warnings };
}

/** The bundle's physical path, and the text of its config.json: both from one descriptor, so that they belong together. */
export function readConfigText(directory: string): { physical: string; configText: string } {
  const fd = tryOpenAt(AT_FDCWD, directory === "" ? "." : directory, O_PATH | O_DIRECTORY);
  if (fd < 0) throw new RuntimeFault({ what: `chdir ${directory}`, errno: -fd });
  try {
    const physical = readLink(`/proc/self/fd/${fd}`);
    if (physical === undefined) throw new RuntimeFault({ what: `can't resolve the bundle's path`, value: directory });
    const configText = readDocument(fd, configName);
    if (configText === undefined) {
      throw new RuntimeFault({ what: `JSON specification file ${configName} not found`, value: physical });
    }
    return { physical, configText };
  } finally {
    close(fd);
  }
}
