import { expect } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { disassemble } from "../src/program/disassemble-for-test.ts";

/** Compares with a listing, which is reviewed as code is. UPDATE_GOLDEN=1 writes it anew. @param file its path. */
export function listed(file: string, architecture: string, code: Uint8Array): void {
  const listing = `${disassemble(code, architecture).join("\n")}\n`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, listing);
  expect(listing).toBe(readFileSync(file, "utf8"));
}
