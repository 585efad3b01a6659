/** posix_spawn(3): bound by those commands only that start a program, for every function bound costs 0.04 ms. */
import { callModule, ffi } from "./libc.ts";

const declarations = {
  posix_spawn: { args: ["ptr", "ptr", "ptr", "ptr", "ptr", "ptr"], returns: "i32" },
} as const;

/** Its number among the call module's targets. */
const POSIX_SPAWN = 1;

type PosixSpawn = (
  pid: number,
  path: number,
  actions: number,
  attributes: number,
  argv: number,
  envp: number,
) => number;

let bound: PosixSpawn | undefined;

/**
 * Starts the executable at `path`. All arguments are addresses; 0 for `actions` and `attributes` leaves both out.
 *
 * @returns 0, with the pid stored, or a positive errno.
 */
export function posixSpawn(...args: Parameters<PosixSpawn>): number {
  if (callModule !== undefined) return callModule(POSIX_SPAWN, ...args, 0) | 0;
  bound ??= ffi.dlopen("libc.so.6", declarations).symbols.posix_spawn as PosixSpawn;
  return bound(...args);
}
