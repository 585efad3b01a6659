import { expect, test } from "bun:test";
import { documentWith, told } from "./document-table.ts";
import { validateText } from "./validate.ts";
import { validateProcessText } from "./validate-process.ts";
import { validateResourcesText } from "./validate-resources.ts";

test("faults of the schema and of the rules are told at once", () => {
  const text = documentWith({
    "/process/terminal": "yes",
    "/linux/cgroupsPath": "/",
    "/hooks/prestart": [{ path: "x" }],
    "/mounts": [{ destination: 5 }],
  });
  expect(told(validateText(text).faults)).toEqual([
    "/process/terminal: not a boolean",
    "/mounts/0/destination: not a string",
    "/linux/cgroupsPath: cgroupsPath resolves to the root of the hierarchy",
    "/hooks/prestart/0/path: hook path is not absolute",
  ]);
});

test("a rule is not asked about what has the wrong type", () => {
  const text = documentWith({ "/process/env": [1], "/linux/namespaces": 7, "/hostname": "h" });
  expect(told(validateText(text).faults)).toEqual(["/process/env/0: not a string", "/linux/namespaces: not an array"]);
});

test("values of the environment are not shown", () => {
  const { faults } = validateText(documentWith({ "/process/env": [12345, "SECRET"] }));
  expect(JSON.stringify(faults)).not.toContain("12345");
  const { faults: second } = validateText(documentWith({ "/process/env": ["SECRET"] }));
  expect(JSON.stringify(second)).not.toContain("SECRET");
});

test.each([
  ["{}", "/process: process property must not be empty"],
  ["null", ": config cannot be null"],
  ["[]", ": not an object"],
  ["5", ": not an object"],
  ['"x"', ": not an object"],
])("the first fault of %s is %s", (text, message) => {
  expect(told(validateText(text).faults)[0]).toBe(message);
});

test("a member that is null is as if it were absent", () => {
  const text = documentWith({ "/process/env": null, "/linux/sysctl": null, "/hooks": { prestart: null } });
  const { value, faults } = validateText(text);
  expect(faults).toEqual([]);
  expect(value!.hooks).toEqual({});
  expect(Object.keys(value!.process)).toEqual(["args", "cwd"]);
});

test("a required member that is null is missing", () => {
  expect(told(validateText(documentWith({ "/process": null })).faults)).toEqual([
    "/process: process property must not be empty",
  ]);
});

test("a field in another case is read where the document cannot be used without it", () => {
  const text = documentWith({ "/linux/resources": { hugepageLimits: [{ pagesize: "2MB", limit: 0 }] } });
  const { value, faults, warnings } = validateText(text);
  expect(faults).toEqual([]);
  expect(value!.linux!.resources!.hugepageLimits).toEqual([{ pageSize: "2MB", limit: 0 }]);
  expect(told(warnings)).toContain(
    'warning /linux/resources/hugepageLimits/0/pagesize: taken for "pageSize": case matters',
  );
});

test("a field that is there in its own case is not replaced, nor is a key that is free renamed", () => {
  const changes = { "/process/ARGS": ["no"], "/process/CWD": "/", "/process/cwd": undefined };
  const { value } = validateText(documentWith({ ...changes, "/annotations": { Destination: "x" } }));
  expect(value!.process).toMatchObject({ cwd: "/", args: ["sh"] });
  expect(value!.annotations).toEqual({ Destination: "x" });
});

test("an item of a list that is null is not of its type", () => {
  expect(told(validateText(documentWith({ "/process/args": [null] })).faults)).toEqual([
    "/process/args/0: not a string",
  ]);
});

test("unknown members are kept", () => {
  const { value } = validateText(documentWith({ "/process/newField": { a: 1 } }));
  expect(value!.process).toHaveProperty("newField", { a: 1 });
});

test("integers outside of their range are told with it", () => {
  for (const uid of [-1, 4294967296, 1.5, "0"]) {
    const { faults } = validateText(documentWith({ "/process/user": { uid } }));
    expect(faults).toEqual([
      {
        pointer: "/process/user/uid",
        message: "not an integer of type uint32",
        value: uid,
        expected: "an integer from 0 to 4294967295",
        severity: "fault",
      },
    ]);
  }
});

test("a process of its own has the same rules as config.json's", () => {
  expect(validateProcessText('{"args":["sh"],"cwd":"/"}').value).toEqual({ args: ["sh"], cwd: "/" });
  expect(told(validateProcessText('{"args":[],"cwd":"x"}').faults)).toEqual([
    "/cwd: Cwd must be an absolute path",
    "/args: args must not be empty",
  ]);
  expect(told(validateProcessText("{}").faults)).toEqual([
    "/args: args must not be empty",
    "/cwd: Cwd property must not be empty",
  ]);
});

test("resources of their own have the same rules as config.json's", () => {
  const text = '{"memory":{"limit":9223372036854775807},"cpu":{"shares":512}}';
  expect(validateResourcesText(text).value).toEqual({ memory: { limit: 9223372036854775807n }, cpu: { shares: 512 } });
  expect(told(validateResourcesText('{"memory":{"limit":-2},"pids":{"limit":"x"}}').faults)).toEqual([
    "/pids/limit: not an integer of type int64",
  ]);
  expect(told(validateResourcesText('{"memory":{"limit":-2}}').faults)).toEqual([
    "/memory/limit: negative memory limit",
  ]);
});

test("resources of their own are read in any case, and what looks misspelt is warned of", () => {
  const { value, warnings } = validateResourcesText('{"CPU":{"Cpus":"1"},"memroy":{"limit":5}}');
  expect(value).toMatchObject({ cpu: { cpus: "1" } });
  expect(told(warnings)).toEqual([
    'warning /CPU: taken for "cpu": case matters',
    'warning /cpu/Cpus: taken for "cpus": case matters',
    'warning /memroy: unknown field "memroy" is ignored: did you mean "memory"?',
  ]);
});

test("a document with a hundred thousand errors is refused with a thousand, and rules are not asked about it", () => {
  const text = documentWith({ "/process/env": new Array(100_000).fill(1), "/mounts": 5, "/linux/cgroupsPath": "/" });
  const { faults } = validateText(text);
  expect(faults).toHaveLength(1000);
  expect(new Set(faults.map((one) => one.message))).toEqual(new Set(["not a string"]));
});
