import { readFileSync } from "node:fs";
import { join } from "node:path";
import { repository } from "../machine/runtimes.ts";

/** Where the README's examples have the runtime. */
const installed = "/usr/local/sbin/runts";

/**
 * The example of an engine's configuration that the README gives, for another path of the runtime: what users copy is what is tried.
 *
 * @param engine the word after "configuration:" in the README. @throws when it gives none.
 */
export function documented(engine: string, runtime: string): string {
  const readme = readFileSync(join(repository, "README.md"), "utf8");
  const found = new RegExp(`<!-- configuration: ${engine} -->\\n\`\`\`\\w+\\n(.*?)\`\`\``, "s").exec(readme);
  if (found === null) throw new Error(`README.md has no configuration for ${engine}`);
  return found[1]!.replaceAll(installed, runtime);
}
