/** What the caller gave this process: standard descriptors. */
import { fstat, S_IFCHR } from "../../native-bindings/files.ts";

/**
 * The standard descriptors that must change hands, so that the container's user can open /dev/stdout again: those that are
 * there, are not the user's already, and are not the host's /dev/null.
 */
export function stdioToOwn(hostUid: number): number[] {
  const fds: number[] = [];
  for (let fd = 0; fd <= 2; fd++) {
    const status = fstat(fd);
    const isNull = status.type === S_IFCHR && status.deviceMajor === 1 && status.deviceMinor === 3;
    if (!isNull && status.uid !== hostUid) fds.push(fd);
  }
  return fds;
}
