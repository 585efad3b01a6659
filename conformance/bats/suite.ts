import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { repository } from "../machine/runtimes.ts";
import { makeImages } from "./images.ts";

/** The version whose tests are run. Another one asks for other behaviour. */
const wantedVersion = "1.5.1";

/** A copy of runc's tests, which they may write into. */
export interface Suite {
  /** The directory that has `tests`. */
  readonly directory: string;
  /** The names of the .bats files, sorted. */
  readonly files: readonly string[];
}

/**
 * Copies the tests of a checkout of runc to `directory`, with images of our own in place of those that they would download. The
 * checkout is left as it is.
 *
 * @throws when the checkout is of another version, or its test programs have not been built.
 */
export async function copySuite(source: string | undefined, directory: string): Promise<Suite> {
  const checkout = checkedSource(source);
  const needs = Bun.spawnSync(["bash", join(repository, "scripts/needs.sh"), "bats"], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (needs.exitCode !== 0) throw new Error("what the tests call is missing");
  const images = await makeImages();
  mkdirSync(directory);
  cpSync(join(checkout, "tests"), join(directory, "tests"), { recursive: true });
  // A test looks there which version of the specification runc has.
  copyFileSync(join(checkout, "go.mod"), join(directory, "go.mod"));
  for (const [name, path] of Object.entries(images)) copyFileSync(path, join(directory, `${name}.tar`));
  const lines = Object.keys(images).map((name) => `echo ${name.toUpperCase()}_IMAGE='${directory}/${name}.tar'`);
  const integration = join(directory, "tests/integration");
  writeFileSync(join(integration, "get-images.sh"), `#!/bin/sh\n${lines.join("\n")}\n`, { mode: 0o755 });
  chmodSync(join(integration, "get-images.sh"), 0o755);
  const files = readdirSync(integration).filter((name) => name.endsWith(".bats"));
  return { directory, files: files.sort() };
}

function checkedSource(source: string | undefined): string {
  const how = `git clone --branch v${wantedVersion} https://github.com/opencontainers/runc DIR`;
  if (source === undefined) throw new Error(`--source DIR is missing, a checkout of runc: ${how}`);
  const checkout = resolve(source);
  const version = join(checkout, "VERSION");
  const found = existsSync(version) ? readFileSync(version, "utf8").trim() : undefined;
  if (found === undefined) throw new Error(`${checkout} is not a checkout of runc (it has no VERSION): ${how}`);
  if (found !== wantedVersion)
    throw new Error(`${checkout} has runc ${found}; the tests of ${wantedVersion} are wanted`);
  const missing = testPrograms.filter((name) => !existsSync(join(checkout, "tests/cmd/_bin", name)));
  if (missing.length > 0) {
    const build = `make -C ${checkout} test-binaries RUNC_BUILDTAGS=-libpathrs`;
    throw new Error(
      `the tests' own programs have not been built (${missing.join(" ")}): ${build} (wants Go and libseccomp-dev)`,
    );
  }
  return checkout;
}

const testPrograms = ["fs-idmap", "key_label", "pidfd-kill", "recvtty", "remap-rootfs", "sd-helper", "seccompagent"];
