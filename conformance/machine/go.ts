import { existsSync } from "node:fs";

/**
 * Runs `go` in a module's directory, without cgo.
 *
 * @returns what it wrote to stdout, trimmed. @throws when there is no `go`, or it fails.
 */
export function go(directory: string, args: readonly string[]): string {
  const path = Bun.which("go") ?? (existsSync("/usr/local/go/bin/go") ? "/usr/local/go/bin/go" : null);
  if (path === null) throw new Error("the programs are written in Go, and there is no go: apt-get install golang-go");
  const done = Bun.spawnSync([path, ...args], {
    cwd: directory,
    env: { ...process.env, CGO_ENABLED: "0" },
    stderr: "pipe",
  });
  if (done.exitCode !== 0) throw new Error(`go ${args.slice(0, 2).join(" ")} failed: ${done.stderr}`);
  return done.stdout.toString().trim();
}
