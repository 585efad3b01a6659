import { describe, expect, test } from "bun:test";
import type { Config } from "./config.ts";
import { parseIdmapOption, withMountMappings } from "./idmap-option.ts";

const linux = {
  uidMappings: [{ containerID: 0, hostID: 100_000, size: 1000 }],
  gidMappings: [{ containerID: 0, hostID: 200_000, size: 1000 }],
} as Config["linux"];

describe("idmap=", () => {
  test("has lists of triples for both kinds of ids", () => {
    expect(parseIdmapOption("idmap=uids=0-1-10#10-11-10;gids=0-100-10", linux)).toEqual({
      uids: [
        { containerID: 0, hostID: 1, size: 10 },
        { containerID: 10, hostID: 11, size: 10 },
      ],
      gids: [{ containerID: 0, hostID: 100, size: 10 }],
    });
  });

  test("with @ speaks of the container's ids", () => {
    expect(parseIdmapOption("idmap=uids=@0-5-10;gids=@7-0-1000", linux)).toEqual({
      uids: [{ containerID: 0, hostID: 100_005, size: 10 }],
      gids: [{ containerID: 7, hostID: 200_000, size: 1000 }],
    });
  });

  const wrong = [
    "idmap=",
    "idmap=uids=0-0-1",
    "idmap=uids=0-0-1;uids=0-0-1",
    "idmap=uids=0-0;gids=0-0-1",
    "idmap=uids=0-0-x;gids=0-0-1",
    "idmap=uids=0--1-1;gids=0-0-1",
    "idmap=uids=0-0-4294967296;gids=0-0-1",
    "idmap=uids=@0-995-10;gids=0-0-1",
    "idmap=uids=0-0-1;gids=0-0-1;pids=0-0-1",
  ];
  for (const option of wrong) {
    test(`is refused as ${option}`, () => expect(parseIdmapOption(option, linux)).toBeString());
  }
});

test("a mount with such an option has its mappings, and the others are as they were", () => {
  const other = { destination: "/a", type: "tmpfs" };
  const mount = { destination: "/b", source: "/b", options: ["bind", "idmap=uids=0-1-1;gids=0-2-1", "ro"] };
  const { mounts } = withMountMappings({ linux, mounts: [other, mount] } as unknown as Config);
  expect(mounts).toEqual([
    other,
    {
      destination: "/b",
      source: "/b",
      options: ["bind", "idmap", "ro"],
      uidMappings: [{ containerID: 0, hostID: 1, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 2, size: 1 }],
    },
  ]);
});
