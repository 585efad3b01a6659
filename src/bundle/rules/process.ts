import type { Process, User } from "../config.ts";
import { type ConfigFault, fault } from "../config-fault.ts";
import { checkArguments, checkEnvironment } from "./environment.ts";
import { checkLength } from "./path-length.ts";

/** What runc's validateProcessSpec refuses, with the kernel's limits. `at` is the process's pointer. */
export function checkProcess(process: Process, at: string, into: ConfigFault[]): void {
  const { cwd, args } = process;
  if (cwd === "") fault(into, `${at}/cwd`, "Cwd property must not be empty");
  else if (cwd[0] !== "/") fault(into, `${at}/cwd`, "Cwd must be an absolute path", cwd);
  checkLength(cwd, `${at}/cwd`, into);
  if (args.length === 0) fault(into, `${at}/args`, "args must not be empty");
  else if (args[0] === "") fault(into, `${at}/args/0`, 'exec: "": executable file not found in $PATH');
  checkArguments(args, `${at}/args`, into);
  const { env } = process;
  if (env !== undefined) checkEnvironment(env, `${at}/env`, into);
  if (process.user !== undefined) checkUser(process.user, `${at}/user`, into);
  const oom = process.oomScoreAdj;
  if (oom !== undefined && (oom < -1000 || oom > 1000)) {
    fault(into, `${at}/oomScoreAdj`, "invalid oomScoreAdj", oom, "-1000 to 1000");
  }
}

/** NGROUPS_MAX, setgroups(2). */
const mostGroups = 65536;

function checkUser(user: User, at: string, into: ConfigFault[]): void {
  checkId(user.uid, `${at}/uid`, into);
  checkId(user.gid, `${at}/gid`, into);
  const groups = user.additionalGids;
  if (groups !== undefined) {
    if (groups.length > mostGroups) {
      fault(into, `${at}/additionalGids`, "too many additional groups", groups.length, `at most ${mostGroups}`);
    }
    for (let i = 0; i < groups.length; i++) checkId(groups[i], `${at}/additionalGids/${i}`, into);
  }
  if (user.umask !== undefined && user.umask > 0o777) {
    fault(into, `${at}/umask`, "invalid umask", user.umask, "permission bits, at most 511 (0777)");
  }
}

function checkId(id: number | undefined, at: string, into: ConfigFault[]): void {
  if (id !== undefined && id > 2147483647) fault(into, at, "uids and gids must be in range 0-2147483647", id);
}
