import { testRows } from "../document-table.ts";

const at = "/linux/intelRdt";
const set = (more: object) => ({ [at]: more });

testRows([
  ["a class with schemata is accepted", set({ closID: "a", schemata: ["L3:0=f", "MB:0=20"], enableMonitoring: true })],
  ["the root class is accepted", set({ closID: "/" })],
  ["a class is not a path", set({ closID: "../x" }), `${at}/closID: invalid intelRdt.ClosID "../x"`],
  ["a class is not ..", set({ closID: ".." }), `${at}/closID: invalid intelRdt.ClosID ".."`],
  [
    "a bandwidth schema begins with MB:",
    set({ memBwSchema: "L3:0=f" }),
    `${at}/memBwSchema: memBwSchema does not start with MB:`,
  ],
  ["a schema is one line", set({ schemata: ["L3:0=f\nMB:0=1"] }), `${at}/schemata/0: schema contains a newline`],
  ["a cache schema is one line", set({ l3CacheSchema: "L3:\n" }), `${at}/l3CacheSchema: schema contains a newline`],
  [
    "former fields are told",
    set({ enableCMT: true }),
    `warning ${at}/enableCMT: enableCMT was removed from the specification: use enableMonitoring`,
  ],
]);
