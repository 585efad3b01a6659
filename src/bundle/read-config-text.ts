import { AT_FDCWD, close, O_DIRECTORY, O_PATH, readLink, tryOpenAt } from "../../native-bindings/files.ts";
import { RuntimeFault } from "../report/fault.ts";
import { readDocument } from "./read-document.ts";

/** The bundle's one file, bundle.md. */
export const configName = "config.json";

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
