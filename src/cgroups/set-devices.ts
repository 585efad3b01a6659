import { EPERM } from "../../native-bindings/errno.ts";
import { close, O_WRONLY, open, writeError } from "../../native-bindings/files.ts";
import { addressOf, syscallRetry, utf8 } from "../../native-bindings/libc.ts";
import { SYS } from "../../native-bindings/syscall-numbers.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { inFirstUserNamespace } from "../../native-bindings/user-namespace.ts";
import { RuntimeFault } from "../report/fault.ts";
import { attachDeviceFilter } from "./attach-device-filter.ts";
import { deviceFilter } from "./device-filter.ts";
import { ALL_DEVICES, type DeviceList, deviceWritesV1 } from "./device-rules.ts";
import type { CgroupRecord } from "./record.ts";

/**
 * Puts the device rules into force: by control files on v1, by a program on v2.
 *
 * Only the first user namespace's root may set them. Rootless, or when the runtime itself is in a user namespace, the
 * rules of whoever made that hold, and a refusal is no error.
 *
 * @param isNew whether the cgroup was just made.
 * @throws RuntimeFault
 */
export function setDevices(record: CgroupRecord, list: DeviceList, isNew: boolean, rootless: boolean): void {
  const directory = record.paths[record.mode === "v2" ? "" : "devices"];
  if (directory === undefined) return;
  try {
    if (record.mode === "v2") setDeviceFilter(directory, list, isNew);
    else writeDeviceLists(directory, list);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    if (rootless || (error.errno === EPERM && !inFirstUserNamespace())) return;
    throw new RuntimeFault({
      what: "error setting cgroup config: device rules",
      where: "/linux/resources/devices",
      errno: error.errno,
      call: `${error.call}(${error.args})`,
      cause: error,
    });
  }
}

function setDeviceFilter(directory: string, list: DeviceList, isNew: boolean): void {
  attachDeviceFilter(directory, deviceFilter(list), isNew);
}

/** After the reset every line only adds an exception, which the kernel takes or refuses: nothing is ignored silently. */
function writeDeviceLists(directory: string, list: DeviceList): void {
  const { reset, exceptionFile, lines } = deviceWritesV1(list);
  writeLines(`${directory}/${reset}`, [ALL_DEVICES]);
  writeLines(`${directory}/${exceptionFile}`, lines);
}

/** One write(2) a line: the kernel reads one rule from each. */
function writeLines(path: string, lines: readonly string[]): void {
  const fd = open(path, O_WRONLY);
  try {
    for (const line of lines) {
      const bytes = utf8(line);
      const count = syscallRetry(SYS.write, fd, addressOf(bytes), bytes.length);
      if (count < 0) throw writeError(path, line, count);
    }
  } finally {
    close(fd);
  }
}
