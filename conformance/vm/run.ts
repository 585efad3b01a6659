/**
 * Runs a program to its end.
 *
 * @returns its standard output.
 * @throws when it ends with anything but 0, with the end of what it wrote.
 */
export function run(
  argv: readonly string[],
  options: { readonly cwd?: string; readonly env?: Record<string, string>; readonly stdin?: string } = {},
): string {
  const child = Bun.spawnSync([...argv], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env, DEBIAN_FRONTEND: "noninteractive", LC_ALL: "C" },
    stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
  });
  if (child.exitCode === 0) return child.stdout.toString();
  const said = `${child.stdout}\n${child.stderr}`.trim().slice(-2000);
  throw new Error(`${argv[0]} failed (${child.exitCode ?? child.signalCode}):\n${said}`);
}
