import { EPERM } from "../../native-bindings/errno.ts";
import { RuntimeFault } from "../report/fault.ts";

// include/uapi/linux/seccomp.h. libseccomp's SCMP_ACT_* have the same values.
export const RET_KILL_PROCESS = 0x80000000;
export const RET_KILL_THREAD = 0;
export const RET_TRAP = 0x30000;
export const RET_ERRNO = 0x50000;
export const RET_USER_NOTIF = 0x7fc00000;
export const RET_TRACE = 0x7ff00000;
export const RET_LOG = 0x7ffc0000;
export const RET_ALLOW = 0x7fff0000;

/** One below the kernel's MAX_ERRNO, to which it would cut a larger number; libseccomp refuses MAX_ERRNO itself. */
const LARGEST_ERRNO = 4094;
/** SECCOMP_RET_DATA. */
const MAX_DATA = 0xffff;

const actions: Readonly<Record<string, number>> = {
  SCMP_ACT_KILL: RET_KILL_THREAD,
  SCMP_ACT_KILL_THREAD: RET_KILL_THREAD,
  SCMP_ACT_KILL_PROCESS: RET_KILL_PROCESS,
  SCMP_ACT_ERRNO: RET_ERRNO,
  SCMP_ACT_TRAP: RET_TRAP,
  SCMP_ACT_ALLOW: RET_ALLOW,
  SCMP_ACT_TRACE: RET_TRACE,
  SCMP_ACT_LOG: RET_LOG,
  SCMP_ACT_NOTIFY: RET_USER_NOTIF,
};

/** The names that `defaultAction` and `action` may hold. */
export function actionNames(): string[] {
  return Object.keys(actions);
}

/**
 * The value that the filter returns for an action. ERRNO and TRACE carry `errnoRet`, EPERM unless given.
 *
 * @param where the JSON Pointer of the action's name; `errnoWhere` that of the number.
 * @throws RuntimeFault for an unknown action, or a number that can't be returned.
 */
export function actionValue(name: string, errnoRet: number | undefined, where: string, errnoWhere: string): number {
  const action = Object.hasOwn(actions, name) ? actions[name]! : undefined;
  if (action === undefined) {
    throw new RuntimeFault({ what: `string ${name} is not a valid action for seccomp`, where });
  }
  if (action !== RET_ERRNO && action !== RET_TRACE) return action;
  const data = errnoRet ?? EPERM;
  const limit = action === RET_ERRNO ? LARGEST_ERRNO : MAX_DATA;
  if (!Number.isInteger(data) || data < 0 || data > limit) {
    throw new RuntimeFault({
      what: `seccomp ${name} takes a number from 0 to ${limit}`,
      where: errnoWhere,
      value: data,
    });
  }
  return action + data;
}
