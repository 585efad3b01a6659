import type { Config, LinuxResources, Process } from "../config.ts";

/** True when every field has the type, and every integer the range, of the schema. Made by ../generate.ts. */
export function acceptsConfig(value: unknown): value is Config;
export function acceptsProcess(value: unknown): value is Process;
export function acceptsLinuxResources(value: unknown): value is LinuxResources;
