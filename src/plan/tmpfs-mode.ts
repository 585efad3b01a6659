import type { FilesystemOption } from "./mount-options.ts";

/** True when a tmpfs is told which mode its top directory is to have. */
export function namesMode(data: readonly FilesystemOption[]): boolean {
  for (const { key } of data) if (key === "mode") return true;
  return false;
}

/**
 * A tmpfs that takes over the mode of the directory that it covers has it among its options too: who reads /proc/mounts to make one like
 * it, as criu does, finds it there.
 *
 * @param mode as the directory had it when it was looked at; undefined when it was not there.
 */
export function withMode(data: readonly FilesystemOption[], mode: number | undefined): readonly FilesystemOption[] {
  return mode === undefined ? data : [{ key: "mode", value: `0${mode.toString(8)}` }, ...data];
}
