import { testRows } from "../document-table.ts";

const hook = (name: string, more: object) => ({ [`/hooks/${name}`]: [{ path: "/bin/true", ...more }] });

testRows([
  ["a hook with all its fields is accepted", hook("prestart", { args: ["true", ""], env: ["A=1"], timeout: 5 })],
  [
    "a hook's path is absolute",
    hook("createRuntime", { path: "true" }),
    "/hooks/createRuntime/0/path: hook path is not absolute",
  ],
  [
    "a hook's path is not empty",
    hook("createContainer", { path: "" }),
    "/hooks/createContainer/0/path: hook path is not absolute",
  ],
  [
    "a hook has a path",
    hook("startContainer", { path: undefined }),
    '/hooks/startContainer/0/path: "path" is required',
  ],
  [
    "a timeout of 0 is refused",
    hook("poststart", { timeout: 0 }),
    "/hooks/poststart/0/timeout: hook timeout must be greater than zero",
  ],
  [
    "a negative timeout is refused",
    hook("poststop", { timeout: -1 }),
    "/hooks/poststop/0/timeout: hook timeout must be greater than zero",
  ],
  [
    "a hook's environment is checked",
    hook("poststop", { env: ["A"] }),
    "/hooks/poststop/0/env/0: invalid environment variable: missing '='",
  ],
]);
