import type { Log } from "../report/log.ts";
import type { CreateRequest } from "./create-request.ts";

/** What `create` would be asked for with nothing but a bundle: for those who plan a start and go no further. */
export function dryRequest(bundle: string, log: Log): CreateRequest {
  return {
    root: "",
    id: "ID",
    bundle,
    pidFile: undefined,
    // A terminal is planned for as `create --console-socket` does.
    consoleSocket: undefined,
    noPivot: false,
    noNewKeyring: false,
    preserveFds: 0,
    systemdCgroup: false,
    rootless: "auto",
    log,
  };
}
