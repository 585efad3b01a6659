/** What the caller gave this process: standard descriptors. */
import { type FileStatus, fstat, S_IFCHR } from "../../native-bindings/files.ts";

/**
 * The standard descriptors that must change hands, so that the container's user can open /dev/stdout again: those that are
 * there, are not the user's already, and are not the host's /dev/null.
 *
 * @param terminals also those that are terminals. The one that somebody types at in the foreground is to stay theirs.
 */
export function stdioToOwn(hostUid: number, terminals: boolean): number[] {
  const fds: number[] = [];
  for (let fd = 0; fd <= 2; fd++) {
    const status = fstat(fd);
    if (isNull(status) || status.uid === hostUid) continue;
    if (terminals || !isTerminal(status)) fds.push(fd);
  }
  return fds;
}

/** The standard descriptors that are the host's /dev/null. */
export function nullStdio(): number[] {
  const fds: number[] = [];
  for (let fd = 0; fd <= 2; fd++) if (isNull(fstat(fd))) fds.push(fd);
  return fds;
}

/** Virtual consoles and serial lines, /dev/console and its kin, pseudo-terminals: Documentation/admin-guide/devices.txt */
function isTerminal({ type, deviceMajor }: FileStatus): boolean {
  return type === S_IFCHR && (deviceMajor === 4 || deviceMajor === 5 || (deviceMajor >= 136 && deviceMajor <= 143));
}

function isNull({ type, deviceMajor, deviceMinor }: FileStatus): boolean {
  return type === S_IFCHR && deviceMajor === 1 && deviceMinor === 3;
}
