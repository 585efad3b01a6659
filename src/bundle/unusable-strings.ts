import { type ConfigFault, child, fault } from "./config-fault.ts";

/** Data that never reaches a system call, or is not for this runtime. */
const harmless = new Set(["/annotations", "/solaris", "/windows", "/vm", "/zos", "/freebsd"]);

/**
 * Strings that C would cut short (NUL) or that have no UTF-8 (lone surrogates): the kernel would be told something else
 * than what was written. Values are not shown: they may be environment.
 */
export function findUnusableStrings(value: unknown, into: ConfigFault[], pointer = ""): void {
  if (typeof value === "string") checkString(value, pointer, into);
  if (typeof value !== "object" || value === null || harmless.has(pointer)) return;
  for (const [key, inner] of Object.entries(value)) {
    const at = child(pointer, key);
    checkString(key, at, into);
    findUnusableStrings(inner, into, at);
  }
}

function checkString(text: string, at: string, into: ConfigFault[]): void {
  if (text.includes("\0")) {
    fault(into, at, at.startsWith("/mounts/") ? "mount field contains null byte" : "string contains null byte");
  }
  if (!text.isWellFormed()) fault(into, at, "string contains a lone surrogate: it has no UTF-8 form");
}
