import { readTextIfThere } from "../../native-bindings/files.ts";

/** The active Linux security modules: "apparmor", "selinux", "landlock" ... None where securityfs is not mounted. */
export function securityModules(): string[] {
  return (readTextIfThere("/sys/kernel/security/lsm") ?? "").trim().split(",").filter(Boolean);
}

/**
 * Whether a module that labels processes is at work. Asked of its own file: securityfs need not be mounted, and may not be in
 * a container.
 */
export function labels(module: "apparmor" | "selinux"): boolean {
  if (module === "apparmor")
    return readTextIfThere("/sys/module/apparmor/parameters/enabled")?.startsWith("Y") === true;
  return readTextIfThere("/sys/fs/selinux/enforce") !== undefined;
}
