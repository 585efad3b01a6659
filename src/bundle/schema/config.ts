/**
 * config.json of the runtime specification 1.3.0: names, types and integer ranges. The one source of the TypeScript types
 * (../config.ts), the JSON Schema and the validator (../generate.ts). What relates two fields is in ../rules.
 *
 * zod is used at build time only: nothing in the executable may import this folder but for types.
 */
import { z } from "zod";
import { int32 } from "./integers.ts";
import { linux, linuxIDMapping } from "./linux.ts";
import { process } from "./process.ts";
import { stringMap, strings } from "./strings.ts";

export const root = z.object({ path: z.string(), readonly: z.boolean().optional() }).meta({ id: "Root" });

export const mount = z
  .object({
    destination: z.string(),
    type: z.string().optional(),
    source: z.string().optional(),
    options: strings.optional(),
    uidMappings: z.array(linuxIDMapping).optional(),
    gidMappings: z.array(linuxIDMapping).optional(),
  })
  .meta({ id: "Mount" });

export const hook = z
  .object({
    path: z.string(),
    args: strings.optional(),
    env: strings.optional(),
    timeout: int32.optional(),
  })
  .meta({ id: "Hook" });

export const hooks = z
  .object({
    prestart: z.array(hook).optional(),
    createRuntime: z.array(hook).optional(),
    createContainer: z.array(hook).optional(),
    startContainer: z.array(hook).optional(),
    poststart: z.array(hook).optional(),
    poststop: z.array(hook).optional(),
  })
  .meta({ id: "Hooks" });

/** A section for another platform: accepted, and reported by the rules. */
const elsewhere = z.record(z.string(), z.unknown());

export const config = z
  .object({
    process: process,
    root: root,
    hostname: z.string().optional(),
    domainname: z.string().optional(),
    mounts: z.array(mount).optional(),
    hooks: hooks.optional(),
    annotations: stringMap.optional(),
    linux: linux.optional(),
    solaris: elsewhere.optional(),
    windows: elsewhere.optional(),
    vm: elsewhere.optional(),
    zos: elsewhere.optional(),
    freebsd: elsewhere.optional(),
    // Last, so that of several faults the first is one that runc knows too.
    ociVersion: z.string(),
  })
  .meta({ id: "Config" });
