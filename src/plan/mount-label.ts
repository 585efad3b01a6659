import type { MountsInput } from "./mount-steps.ts";

/** linux.mountLabel, where SELinux is at work. config-linux.md "Mount Label". */
export function mountLabel({ facts, config }: Pick<MountsInput, "facts" | "config">): string | undefined {
  return facts.selinux ? config.linux?.mountLabel || undefined : undefined;
}

/**
 * True where the label is an option of the file system. The kernel labels proc and sysfs by its policy, and a mqueue is labelled
 * when it is mounted.
 */
export function takesContext(type: string): boolean {
  return type !== "proc" && type !== "sysfs" && type !== "mqueue";
}
