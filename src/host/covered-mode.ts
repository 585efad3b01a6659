import { close, fstat, O_CLOEXEC, O_DIRECTORY, O_PATH, open } from "../../native-bindings/files.ts";
import { openInRoot } from "../../native-bindings/open-in-root.ts";

/**
 * The mode of a directory of the image, or undefined when there is none. Nothing relies on it: init looks at what it really covers.
 *
 * @param destination relative to the root, in which it is looked up.
 */
export function coveredMode(rootfs: string, destination: string): number | undefined {
  const root = open(rootfs, O_PATH | O_DIRECTORY | O_CLOEXEC);
  try {
    const fd = openInRoot(root, destination, O_PATH | O_DIRECTORY);
    if (fd < 0) return undefined;
    try {
      return fstat(fd).mode;
    } finally {
      close(fd);
    }
  } finally {
    close(root);
  }
}
