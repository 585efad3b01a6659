import { testRows } from "../document-table.ts";

const limit = (type: string, soft: unknown, hard: unknown) => ({ type, soft, hard });
const infinity = 18446744073709551615n;

testRows([
  ["a limit may be infinite", { "/process/rlimits": [limit("RLIMIT_MEMLOCK", infinity, infinity)] }],
  ["an infinite hard limit has room for any soft one", { "/process/rlimits": [limit("RLIMIT_CORE", 0, infinity)] }],
  [
    "a type may not be given twice",
    { "/process/rlimits": [limit("RLIMIT_CORE", 0, 0), limit("RLIMIT_CPU", 1, 1), limit("RLIMIT_CORE", 1, 1)] },
    "/process/rlimits/2/type: rlimit type is given more than once",
  ],
  [
    "soft may not exceed hard",
    { "/process/rlimits": [limit("RLIMIT_NOFILE", 2, 1)] },
    "/process/rlimits/0/soft: error setting rlimit RLIMIT_NOFILE: soft limit exceeds hard limit 1",
  ],
  [
    "soft may not exceed hard, beyond 2^53 either",
    { "/process/rlimits": [limit("RLIMIT_AS", infinity, 18446744073709551614n)] },
    "/process/rlimits/0/soft: error setting rlimit RLIMIT_AS: soft limit exceeds hard limit 18446744073709551614",
  ],
  [
    "an unknown type is refused",
    { "/process/rlimits": [limit("rlimit_core", 1, 1)] },
    "/process/rlimits/0/type: wrong rlimit value: rlimit_core",
  ],
  [
    "a negative limit is refused",
    { "/process/rlimits": [limit("RLIMIT_CPU", -1, 1)] },
    "/process/rlimits/0/soft: not an integer of type uint64",
  ],
  [
    "a limit of 2^64 is refused",
    { "/process/rlimits": [limit("RLIMIT_CPU", 1, 18446744073709551616n)] },
    "/process/rlimits/0/hard: not an integer of type uint64",
  ],
]);
