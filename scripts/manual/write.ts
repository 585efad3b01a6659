/**
 * Writes the manual: bun scripts/manual/write.ts DIRECTORY VERSION DATE
 *
 * One page for the program and one for each command, of the table that the parser reads.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { manual } from "./manual.ts";

const [directory, version, date] = process.argv.slice(2) as [string, string, string];
mkdirSync(directory, { recursive: true });
for (const [file, text] of manual(version, date)) writeFileSync(join(directory, file), text);
