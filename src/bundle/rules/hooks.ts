import type { Hooks } from "../config.ts";
import { type ConfigFault, fault } from "../config-fault.ts";
import { checkArguments, checkEnvironment } from "./environment.ts";

const names = ["prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop"] as const;

/** config.md "POSIX-platform Hooks". */
export function checkHooks(hooks: Hooks, into: ConfigFault[]): void {
  for (const name of names) {
    const list = hooks[name];
    if (list === undefined) continue;
    for (let i = 0; i < list.length; i++) {
      const { path, timeout, env, args } = list[i]!;
      const at = `/hooks/${name}/${i}`;
      if (path[0] !== "/") fault(into, `${at}/path`, "hook path is not absolute", path, "an absolute path");
      if (timeout !== undefined && timeout <= 0) {
        fault(into, `${at}/timeout`, "hook timeout must be greater than zero", timeout, "seconds, at least 1");
      }
      if (args !== undefined) checkArguments(args, `${at}/args`, into);
      if (env !== undefined) checkEnvironment(env, `${at}/env`, into);
    }
  }
}
