import { closeSync, openSync, readFileSync } from "node:fs";
import { run } from "./command.ts";

export interface Daemon {
  /** Sends SIGTERM and waits for the end. */
  readonly stop: () => Promise<void>;
}

/**
 * Starts a daemon, its output in a file, and waits until it answers.
 *
 * @param ready a command that succeeds as soon as the daemon serves. @throws when that takes more than 20 s.
 */
export async function startDaemon(
  command: readonly string[],
  ready: readonly string[],
  log: string,
  env: Record<string, string | undefined> = process.env,
): Promise<Daemon> {
  const out = openSync(log, "a");
  const child = Bun.spawn([...command], { stdio: ["ignore", out, out], detached: true, env });
  closeSync(out);
  for (let attempt = 0; attempt < 100; attempt++) {
    if ((await run(ready)).status === 0) {
      return {
        stop: async () => {
          child.kill("SIGTERM");
          await child.exited;
        },
      };
    }
    if (child.exitCode !== null) break;
    await Bun.sleep(200);
  }
  child.kill("SIGKILL");
  throw new Error(`${command[0]} does not serve: ${readFileSync(log, "utf8").slice(-2000)}`);
}
