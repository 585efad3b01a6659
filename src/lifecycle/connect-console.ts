import { connectUnix } from "../../native-bindings/unix-socket.ts";
import { asFault } from "../report/fault.ts";

/** Connecting must not wait for whoever listens: the shim accepts only after the runtime has ended. */
const CONNECT_TIMEOUT_MS = 10_000;

/** The caller's socket that takes the console's master. @param path absolute. @throws RuntimeFault */
export function connectConsole(path: string): number {
  try {
    return connectUnix(path, CONNECT_TIMEOUT_MS);
  } catch (error) {
    throw asFault(error, `unable to connect to the console socket`, `--console-socket ${path}`);
  }
}
