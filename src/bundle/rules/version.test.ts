import { testRows } from "../document-table.ts";

const version = (text: string) => ({ "/ociVersion": text });
const malformed = "/ociVersion: ociVersion is not a SemVer 2.0.0 version";

testRows([
  ["version 1.0.2-dev is accepted", version("1.0.2-dev")],
  ["version 1.0.0-rc5+build.1 is accepted", version("1.0.0-rc5+build.1")],
  ["version 2.0.0 is not known", version("2.0.0"), "/ociVersion: unsupported version of the runtime specification"],
  ["version 10.0.0 is not known", version("10.0.0"), "/ociVersion: unsupported version of the runtime specification"],
  ["a word is no version", version("banana"), malformed],
  ["two numbers are no version", version("1.0"), malformed],
  ["an empty patch is no version", version("1.0."), malformed],
  ["a fourth number is no version", version("1.0.0.0"), malformed],
  ["a version is required", { "/ociVersion": undefined }, '/ociVersion: "ociVersion" is required'],
  [
    "a section for Windows is ignored",
    { "/windows": { a: 1 } },
    'warning /windows: the section "windows" is not for Linux: ignored',
  ],
  [
    "a command line is ignored",
    { "/process/commandLine": "x" },
    "warning /process/commandLine: commandLine is not for Linux: ignored",
  ],
  [
    "a user name is ignored",
    { "/process/user/username": "x" },
    "warning /process/user/username: username is not for Linux: ignored",
  ],
  [
    "flags of a personality are ignored",
    { "/linux/personality": { domain: "LINUX", flags: ["X"] } },
    "warning /linux/personality/flags: ignoring unsupported personality flags: [X] because personality flag has not supported at this time",
  ],
  [
    "a personality has a known domain",
    { "/linux/personality": { domain: "BSD" } },
    "/linux/personality/domain: invalid personality domain BSD",
  ],
  [
    "a propagation is a known one",
    { "/linux/rootfsPropagation": "bogus" },
    "/linux/rootfsPropagation: rootfsPropagation=bogus is not supported",
  ],
]);
