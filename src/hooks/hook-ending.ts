/**
 * How a hook ended, as runc says it: "exit status 2", "signal: SIGTERM".
 *
 * @param status as wait(2) has it.
 */
export function hookEnding(status: number): string {
  const signal = status & 127;
  if (signal === 0) return `exit status ${(status >> 8) & 255}`;
  const { constants } = require("node:os") as typeof import("node:os");
  const name = Object.entries(constants.signals).find(([, number]) => number === signal)?.[0] ?? `${signal}`;
  // What a seccomp filter kills with.
  return `signal: ${name}${name === "SIGSYS" ? " (bad system call)" : ""}`;
}
