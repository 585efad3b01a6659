import { describe, expect, test } from "bun:test";
import { close } from "./files.ts";
import { decode, encode, openRouteSocket, RTM_GETLINK, request } from "./netlink.ts";

const asked = {
  type: RTM_GETLINK,
  flags: 4,
  fixed: new Uint8Array(16),
  attributes: [{ type: 3, value: new Uint8Array([0x6c, 0x6f, 0]) }],
  fixedBytes: 16,
  shown: 'RTM_GETLINK, "lo"',
};

describe("a message", () => {
  test("is header, fixed part and padded attributes", () => {
    const bytes = encode(asked, 7);
    expect(bytes.length).toBe(16 + 16 + 8);
    const view = new DataView(bytes.buffer);
    expect([
      view.getUint32(0, true),
      view.getUint16(4, true),
      view.getUint16(6, true),
      view.getUint32(8, true),
    ]).toEqual([40, 18, 5, 7]);
    // The length of an attribute does not count its padding.
    expect(view.getUint16(32, true)).toBe(7);
  });

  test("is read as it was written", () => {
    const { fixed, attributes } = decode(encode(asked, 7).subarray(16), RTM_GETLINK, 16);
    expect(fixed.byteLength).toBe(16);
    expect(attributes).toEqual(asked.attributes);
  });

  test("that ends in the middle of an attribute loses that one only", () => {
    const bytes = encode({ ...asked, attributes: [...asked.attributes, { type: 4, value: new Uint8Array(8) }] }, 7);
    expect(decode(bytes.subarray(16, bytes.length - 4), RTM_GETLINK, 16).attributes).toHaveLength(1);
  });

  test("with an attribute of length 0 does not loop", () => {
    expect(decode(new Uint8Array(64), RTM_GETLINK, 16).attributes).toEqual([]);
  });
});

describe("the kernel", () => {
  test("answers for the loopback device", () => {
    const socket = openRouteSocket();
    const answers = request(socket, asked);
    close(socket);
    expect(answers.map(({ fixed }) => fixed.getInt32(4, true))).toEqual([1]);
  });

  test("says ENODEV of what is not there", () => {
    const socket = openRouteSocket();
    const attributes = [{ type: 3, value: new TextEncoder().encode("no-such-dev\0") }];
    expect(() => request(socket, { ...asked, attributes })).toThrow("ENODEV");
    close(socket);
  });
});
