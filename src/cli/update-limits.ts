/** From the options of `update` to the limits that they ask for. */
import type { LinuxResources } from "../bundle/config.ts";
import type { ConfigFault } from "../bundle/config-fault.ts";
import { valueOrThrow } from "../bundle/refuse.ts";
import { checkResources } from "../bundle/rules/resources.ts";
import { readGivenResources } from "../lifecycle/given-resources.ts";
import type { RequestedLimits } from "../lifecycle/update.ts";
import { RuntimeFault } from "../report/fault.ts";
import type { Log } from "../report/log.ts";
import { type Parsed, parseBytes, parseInt64, parseUint64 } from "./limit-value.ts";
import type { OptionValue, OptionValues } from "./parse-arguments.ts";

interface Flag {
  readonly name: string;
  /** Below linux.resources. */
  readonly pointer: `/${string}/${string}`;
  readonly parse: (text: string) => Parsed;
}

const asItIs = (text: string): Parsed => ({ value: text as unknown as number });

/** The flags whose value is a text; an empty one counts as not given. */
const textFlags: readonly Flag[] = [
  { name: "cpuset-cpus", pointer: "/cpu/cpus", parse: asItIs },
  { name: "cpuset-mems", pointer: "/cpu/mems", parse: asItIs },
  { name: "cpu-idle", pointer: "/cpu/idle", parse: parseInt64 },
  { name: "cpu-burst", pointer: "/cpu/burst", parse: parseUint64 },
  { name: "cpu-period", pointer: "/cpu/period", parse: parseUint64 },
  { name: "cpu-rt-period", pointer: "/cpu/realtimePeriod", parse: parseUint64 },
  { name: "cpu-share", pointer: "/cpu/shares", parse: parseUint64 },
  { name: "cpu-quota", pointer: "/cpu/quota", parse: parseInt64 },
  { name: "cpu-rt-runtime", pointer: "/cpu/realtimeRuntime", parse: parseInt64 },
  { name: "memory", pointer: "/memory/limit", parse: parseBytes },
  { name: "memory-swap", pointer: "/memory/swap", parse: parseBytes },
  { name: "kernel-memory", pointer: "/memory/kernel", parse: parseBytes },
  { name: "kernel-memory-tcp", pointer: "/memory/kernelTCP", parse: parseBytes },
  { name: "memory-reservation", pointer: "/memory/reservation", parse: parseBytes },
];

/** Those whose value the parser has made a number of. */
const numberFlags = [
  { name: "blkio-weight", pointer: "/blockIO/weight" },
  { name: "pids-limit", pointer: "/pids/limit" },
] as const;

/**
 * The limits that `update` is asked for: by a document when there is one, else by options.
 *
 * @throws RuntimeFault in runc's words for what is no limit.
 */
export function requestedLimits(options: OptionValues, log: Log): RequestedLimits {
  const schemas = {
    l3CacheSchema: (options["l3-cache-schema"] as string) || undefined,
    memBwSchema: (options["mem-bw-schema"] as string) || undefined,
  };
  const source = options.resources as string | undefined;
  if (!source) return { ...schemas, resources: fromFlags(options, log), nameOf: flagOf };
  for (const { name } of [...textFlags, ...numberFlags]) {
    if (options[name] !== undefined) log.warn(`--${name} is ignored: the limits are read from ${source}`);
  }
  return { ...schemas, resources: readGivenResources(source, log), nameOf: (pointer) => pointer };
}

function fromFlags(options: OptionValues, log: Log): LinuxResources {
  const resources: Record<string, Record<string, unknown>> = {};
  const put = (pointer: string, value: unknown) => {
    const [, section, field] = pointer.split("/") as [string, string, string];
    resources[section] ??= {};
    resources[section][field] = value;
  };
  for (const { name, pointer, parse } of textFlags) {
    const text = options[name] as string | undefined;
    if (!text) continue;
    const parsed = parse(text);
    if ("problem" in parsed) {
      throw new RuntimeFault({ what: `invalid value for ${name}: ${parsed.problem}`, where: `--${name}` });
    }
    put(pointer, parsed.value);
  }
  for (const { name, pointer } of numberFlags) if (options[name] !== undefined) put(pointer, options[name]);
  return checked(resources as LinuxResources, options, log);
}

/** By the rules that config.json is held to. */
function checked(resources: LinuxResources, options: OptionValues, log: Log): LinuxResources {
  const found: ConfigFault[] = [];
  checkResources(resources, "", found);
  for (const { severity, message } of found) if (severity === "warning") log.warn(message);
  const faults = found.filter(({ severity }) => severity === "fault");
  const named = faults.map((one) => ({ ...one, pointer: flagOf(one.pointer), value: given(one, options) }));
  return valueOrThrow({ value: resources, faults: named, warnings: [] }, "update");
}

function given({ pointer, value }: ConfigFault, options: OptionValues): OptionValue | unknown {
  return options[flagOf(pointer).slice("--".length)] ?? value;
}

/** The option that asked for a field. */
function flagOf(pointer: string): string {
  const flag = [...textFlags, ...numberFlags].find((one) => one.pointer === pointer);
  return flag === undefined ? pointer : `--${flag.name}`;
}
