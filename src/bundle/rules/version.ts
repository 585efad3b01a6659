import type { Config } from "../config.ts";
import { type ConfigFault, fault, warning } from "../config-fault.ts";

/** ociVersion is SemVer 2.0.0 (config.md "Specification version"); this runtime knows major version 1. */
export function checkVersion(config: Config, into: ConfigFault[]): void {
  const version = config.ociVersion;
  const minor = version.indexOf(".");
  const patch = version.indexOf(".", minor + 1);
  if (minor < 0 || patch < 0 || !isNumber(version, 0, minor) || !isNumber(version, minor + 1, patch)) {
    fault(into, "/ociVersion", "ociVersion is not a SemVer 2.0.0 version", version, "a version such as 1.3.0");
    return;
  }
  let end = patch + 1;
  while (isDigit(version.charCodeAt(end))) end++;
  const suffix = version[end];
  if (end === patch + 1 || (suffix !== undefined && suffix !== "-" && suffix !== "+")) {
    fault(into, "/ociVersion", "ociVersion is not a SemVer 2.0.0 version", version, "a version such as 1.3.0");
  } else if (version.slice(0, minor) !== "1") {
    fault(into, "/ociVersion", "unsupported version of the runtime specification", version, "major version 1");
  }
}

function isNumber(text: string, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (!isDigit(text.charCodeAt(at))) return false;
  return end > start;
}

const isDigit = (code: number) => code >= 48 && code <= 57;

/** Sections and fields for other platforms are accepted and ignored. */
export function checkPlatform(config: Config, into: ConfigFault[]): void {
  for (const name of ["solaris", "windows", "vm", "zos", "freebsd"] as const) {
    if (config[name] !== undefined) warning(into, `/${name}`, `the section "${name}" is not for Linux: ignored`);
  }
  if (config.process.commandLine) warning(into, "/process/commandLine", "commandLine is not for Linux: ignored");
  if (config.process.user?.username) warning(into, "/process/user/username", "username is not for Linux: ignored");
}
