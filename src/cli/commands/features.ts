import { features } from "../../lifecycle/features.ts";
import { goJson } from "../../report/go-json.ts";
import { writeOut } from "../../report/output.ts";
import { compatibleRuncVersion, runtsCommit, runtsVersion } from "../version.ts";

export function run(): undefined {
  const build = { version: runtsVersion, commit: runtsCommit, compatibleRuncVersion };
  writeOut(`${goJson(features(build), "    ")}\n`);
}
