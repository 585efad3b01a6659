import { testRows } from "../document-table.ts";

const tooMany = Array.from({ length: 65537 }, (_, i) => i);

testRows([
  ["a small process is accepted", {}],
  ["args may not be empty", { "/process/args": [] }, "/process/args: args must not be empty"],
  ["args may not be missing", { "/process/args": undefined }, "/process/args: args must not be empty"],
  [
    "args may not begin with an empty string",
    { "/process/args": [""] },
    '/process/args/0: exec: "": executable file not found in $PATH',
  ],
  ["a later argument may be empty", { "/process/args": ["sh", ""] }],
  ["cwd may not be empty", { "/process/cwd": "" }, "/process/cwd: Cwd property must not be empty"],
  ["cwd may not be missing", { "/process/cwd": undefined }, "/process/cwd: Cwd property must not be empty"],
  ["cwd may not be relative", { "/process/cwd": "tmp" }, "/process/cwd: Cwd must be an absolute path"],
  ["cwd may climb above the root, which is the root", { "/process/cwd": "/../../.." }],
  [
    "environment entries have a name",
    { "/process/env": ["=x"] },
    "/process/env/0: invalid environment variable: name cannot be empty",
  ],
  [
    "environment entries have a value",
    { "/process/env": ["A=1", "FOO"] },
    "/process/env/1: invalid environment variable: missing '='",
  ],
  [
    "an empty environment entry is refused",
    { "/process/env": [""] },
    "/process/env/0: invalid environment variable: missing '='",
  ],
  ["an environment value may be empty", { "/process/env": ["A="] }],
  ["environment variables may be given twice", { "/process/env": ["A=1", "A=2"] }],
  ["an argument may have 131071 bytes", { "/process/args": ["sh", "x".repeat(131071)] }],
  [
    "an argument may not have 131072 bytes",
    { "/process/args": ["sh", "x".repeat(131072)] },
    "/process/args/1: argument list too long",
  ],
  [
    "the limit of an argument is in bytes, not characters",
    { "/process/args": ["sh", "é".repeat(70000)] },
    "/process/args/1: argument list too long",
  ],
  [
    "an environment entry may not have 131072 bytes",
    { "/process/env": [`A=${"x".repeat(131070)}`] },
    "/process/env/0: argument list too long",
  ],
  ["the highest uid is 2147483647", { "/process/user": { uid: 2147483647, gid: 2147483647 } }],
  [
    "a uid of 2^31 is refused",
    { "/process/user/uid": 2147483648 },
    "/process/user/uid: uids and gids must be in range 0-2147483647",
  ],
  [
    "a gid of 2^32-1 is refused",
    { "/process/user/gid": 4294967295 },
    "/process/user/gid: uids and gids must be in range 0-2147483647",
  ],
  [
    "an additional gid of 2^31 is refused",
    { "/process/user/additionalGids": [0, 2147483648] },
    "/process/user/additionalGids/1: uids and gids must be in range 0-2147483647",
  ],
  [
    "65537 additional groups are too many",
    { "/process/user/additionalGids": tooMany },
    "/process/user/additionalGids: too many additional groups",
  ],
  ["an umask of 0777 is accepted", { "/process/user/umask": 0o777 }],
  ["an umask beyond 0777 is refused", { "/process/user/umask": 0o1777 }, "/process/user/umask: invalid umask"],
  ["oomScoreAdj may be 1000 and -1000", { "/process/oomScoreAdj": -1000 }],
  ["oomScoreAdj of 1001 is refused", { "/process/oomScoreAdj": 1001 }, "/process/oomScoreAdj: invalid oomScoreAdj"],
  ["oomScoreAdj of -1001 is refused", { "/process/oomScoreAdj": -1001 }, "/process/oomScoreAdj: invalid oomScoreAdj"],
]);
