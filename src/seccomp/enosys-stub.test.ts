import { expect, test } from "bun:test";
import { RET_ALLOW, RET_ERRNO } from "./actions.ts";
import { architectureNames, architectureToken, auditArch, S390, S390X, X32, X32_BIT, X86_64 } from "./architectures.ts";
import { enosysStub } from "./enosys-stub.ts";
import { simulateFilter } from "./simulate-filter.ts";

const notThere = RET_ERRNO | 38;
const I386 = 0x40000003;

/** The stub before a filter that allows everything. */
function stubbed(largest: [number, number][]) {
  const stub = enosysStub(new Map(largest));
  const bpf = new Uint8Array(stub.length + 8);
  bpf.set(stub);
  new DataView(bpf.buffer).setUint16(stub.length, 0x06, true);
  new DataView(bpf.buffer).setUint32(stub.length + 4, RET_ALLOW, true);
  return (arch: number, nr: number) => simulateFilter(bpf, { arch, nr });
}

test("a number above the largest is ENOSYS, and the largest itself goes on to the filter", () => {
  const verdict = stubbed([[X86_64, 435]]);
  expect([verdict(X86_64, 0), verdict(X86_64, 435)]).toEqual([RET_ALLOW, RET_ALLOW]);
  expect([verdict(X86_64, 436), verdict(X86_64, 0x3fffffff)]).toEqual([notThere, notThere]);
});

test("x32 calls skip an x86_64 limit, and the other way round", () => {
  const x86 = stubbed([[X86_64, 10]]);
  expect([x86(X86_64, X32_BIT + 500), x86(X86_64, 0xffffffff)]).toEqual([RET_ALLOW, RET_ALLOW]);
  const x32 = stubbed([[X32, X32_BIT + 10]]);
  expect([x32(X86_64, 500), x32(X86_64, X32_BIT + 10), x32(X86_64, X32_BIT + 11)]).toEqual([
    RET_ALLOW,
    RET_ALLOW,
    notThere,
  ]);
});

test("with both, each has a limit of its own", () => {
  const verdict = stubbed([
    [X86_64, 10],
    [I386, 5],
    [X32, X32_BIT + 20],
  ]);
  expect([verdict(X86_64, 10), verdict(X86_64, 11)]).toEqual([RET_ALLOW, notThere]);
  expect([verdict(X86_64, X32_BIT + 20), verdict(X86_64, X32_BIT + 21)]).toEqual([RET_ALLOW, notThere]);
  expect([verdict(I386, 5), verdict(I386, 6)]).toEqual([RET_ALLOW, notThere]);
});

test("an architecture that names nothing, or is not there, goes on to the filter", () => {
  expect(enosysStub(new Map([[X86_64, 0]])).length).toBe(0);
  const verdict = stubbed([
    [X86_64, 0],
    [I386, 5],
  ]);
  expect([verdict(X86_64, 999), verdict(0xc00000b7, 999)]).toEqual([RET_ALLOW, RET_ALLOW]);
});

test("number 0 of s390 and s390x is ENOSYS, of no other architecture", () => {
  const verdict = stubbed([
    [S390, 300],
    [S390X, 300],
    [I386, 300],
  ]);
  expect([verdict(S390, 0), verdict(S390X, 0), verdict(I386, 0)]).toEqual([notThere, notThere, RET_ALLOW]);
  expect([verdict(S390, 1), verdict(S390X, 301)]).toEqual([RET_ALLOW, notThere]);
});

test("with every architecture at once each keeps its limit", () => {
  const tokens = architectureNames().map((name) => architectureToken(name)!);
  const limits = tokens.map((token, i): [number, number] => [token, (token === X32 ? X32_BIT : 0) + 100 + i]);
  const verdict = stubbed(limits);
  for (const [token, limit] of limits) {
    expect([verdict(auditArch(token), limit), verdict(auditArch(token), limit + 1)]).toEqual([RET_ALLOW, notThere]);
  }
});
