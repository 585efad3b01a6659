import { contentOf, numberOf } from "./stat-files.ts";
import { blkioEntry, blkioStats } from "./stat-shapes.ts";
import type { BlkioEntry, BlkioStats, blkioFields } from "./stats.ts";

type Field = (typeof blkioFields)[number];
type Family = readonly (readonly [file: string, field: Field])[];

const served: Family = [
  ["io_serviced_recursive", "ioServicedRecursive"],
  ["io_service_bytes_recursive", "ioServiceBytesRecursive"],
];

const everything: Family = [
  ["sectors_recursive", "sectorsRecursive"],
  ["io_service_time_recursive", "ioServiceTimeRecursive"],
  ["io_wait_time_recursive", "ioWaitTimeRecursive"],
  ["io_merged_recursive", "ioMergedRecursive"],
  ["io_queued_recursive", "ioQueueRecursive"],
  ["time_recursive", "ioTimeRecursive"],
  ...served,
];

/** Each I/O scheduler has files of its own; the best one that counts something is taken, as runc does. */
const families: readonly (readonly [prefix: string, family: Family])[] = [
  // BFQ with the kernel's debugging on, and without.
  ["blkio.bfq.", everything],
  ["blkio.bfq.", served],
  // CFQ, before Linux 5.0.
  ["blkio.", everything],
  ["blkio.throttle.", served],
  [
    "blkio.throttle.",
    [
      ["io_serviced", "ioServicedRecursive"],
      ["io_service_bytes", "ioServiceBytesRecursive"],
    ],
  ],
];

/** What the container has read from and written to block devices, by device and operation. */
export function blkioStatsV1(directory: string): BlkioStats {
  for (const [prefix, family] of families) {
    const found = new Map<Field, BlkioEntry[]>();
    for (const [file, field] of family) {
      const entries = entriesOf(contentOf(`${directory}/${prefix}${file}`));
      if (entries.length === 0) break;
      found.set(field, entries);
    }
    if (found.size > 0) return blkioStats(found);
  }
  return {};
}

/** Lines "8:0 Read 1282048", or "8:0 6792". The one without a device, "Total ...", is left out. */
function entriesOf(content = ""): BlkioEntry[] {
  const entries: BlkioEntry[] = [];
  for (const line of content.split("\n")) {
    const [, major, minor, op = "", number] = /^(\d+):(\d+) (?:(\w+) )?(\d+)$/.exec(line) ?? [];
    const value = numberOf(number);
    if (value !== undefined) entries.push(blkioEntry(BigInt(major!), BigInt(minor!), op, value));
  }
  return entries;
}
