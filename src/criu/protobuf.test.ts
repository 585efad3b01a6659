import { expect, test } from "bun:test";
import { decodeResponse, encodeRequest, RequestType, requestName, responseFields } from "./messages.ts";
import { decodeMessage, encodeMessage, type MessageFields } from "./protobuf.ts";

const fields: MessageFields = {
  number: { number: 1, type: "int" },
  flag: { number: 2, type: "bool" },
  word: { number: 3, type: "string" },
  inner: { number: 20, type: { a: { number: 1, type: "int" } } },
  words: { number: 5, type: "string", repeated: true },
};

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

test("values are written as the encoding's own documentation has them", () => {
  expect(hex(encodeMessage(fields, { number: 150 }))).toBe("089601");
  expect(hex(encodeMessage(fields, { number: -2 }))).toBe("08feffffffffffffffff01");
  expect(hex(encodeMessage(fields, { word: "testing" }))).toBe("1a0774657374696e67");
  expect(hex(encodeMessage(fields, { flag: false }))).toBe("1000");
  expect(hex(encodeMessage(fields, { inner: { a: 150 } }))).toBe("a20103089601");
  expect(hex(encodeMessage(fields, { words: ["a", "b"] }))).toBe("2a01612a0162");
});

test("what was written is read back, negative and large numbers and text beyond ASCII too", () => {
  for (const message of [
    { number: -1, flag: true, word: "ä", inner: { a: 2 ** 40 }, words: ["x", "", "y"] },
    { number: 0, flag: false, word: "" },
    {},
  ]) {
    expect(decodeMessage(fields, encodeMessage(fields, message))).toEqual(message);
  }
});

test("fields that are not known are skipped, whatever their kind", () => {
  const newer = Buffer.from(`4001${"49"}0000000000000000${"55"}00000000${"5a"}026868${"0801"}`, "hex");
  expect(decodeMessage(fields, newer)).toEqual({ number: 1 });
});

test("bytes that are no message are refused", () => {
  for (const broken of ["08", "1a05aa", "0b", "08ffffffffffffffffffff01", "0a00", "1801"]) {
    expect(() => decodeMessage(fields, Buffer.from(broken, "hex"))).toThrow(RangeError);
  }
  expect(() => decodeResponse(Buffer.from("0801", "hex"))).toThrow("missing");
});

test("a request has criu's numbers", () => {
  const opts = { images_dir_fd: 7, ext_mnt: [{ key: "/a", val: "/b" }], manage_cgroups_mode: 0 };
  expect(hex(encodeRequest({ type: RequestType.DUMP, opts }))).toBe(
    `0801${"1210"}${"0807"}${"ba01080a022f6112022f62"}${"900200"}`,
  );
  expect(requestName(RequestType.PRE_DUMP)).toBe("PRE_DUMP");
  expect(requestName(99)).toBe("99");
});

test("an answer is read", () => {
  const answer = { type: 6, success: true, notify: { script: "post-restore", pid: 42 } };
  expect(decodeResponse(encodeMessage(responseFields, answer))).toEqual(answer);
});
