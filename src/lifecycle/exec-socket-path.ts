import type { ExecRequest } from "./exec-request.ts";

/** Where a socket is that the command line names: runc is in the bundle when it looks, but for a process from a file. */
export function socketPath({ processFile }: ExecRequest, socket: string, bundle: string): string {
  if (socket[0] === "/" || processFile !== undefined) return socket;
  return `${bundle}/${socket}`;
}
