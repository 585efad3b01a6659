import type { CreateRequest } from "./create-request.ts";

/** What changes a plan beside the bundle itself. */
export type DryRun = Pick<CreateRequest, "bundle" | "systemdCgroup" | "rootless" | "log">;

/** What `create` would be asked for with nothing but these: for those who plan a start and go no further. */
export function dryRequest(dryRun: DryRun): CreateRequest {
  return {
    ...dryRun,
    root: "",
    id: "ID",
    pidFile: undefined,
    // A terminal is planned for as `create --console-socket` does.
    consoleSocket: undefined,
    noPivot: false,
    noNewKeyring: false,
    preserveFds: 0,
  };
}
