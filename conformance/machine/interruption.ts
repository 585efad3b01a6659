/**
 * Takes over SIGINT, SIGTERM and SIGHUP, so that a long run that is broken off still cleans up after itself.
 *
 * @returns a function to call between two steps; it throws once a signal has come
 */
export function stopOnSignal(): () => void {
  let received: string | undefined;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => {
      received = signal;
      console.error(`${signal}: cleaning up`);
    });
  }
  return () => {
    if (received !== undefined) throw new Error(`broken off by ${received}`);
  };
}
