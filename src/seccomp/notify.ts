import { close } from "../../native-bindings/files.ts";
import { utf8 } from "../../native-bindings/libc.ts";
import { SystemError } from "../../native-bindings/system-error.ts";
import { connectUnix, sendWithDescriptors } from "../../native-bindings/unix-socket.ts";
import { RuntimeFault } from "../report/fault.ts";

/** The state of the container, as the runtime specification's "State" has it. */
export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  readonly status: string;
  /** The container's first process. */
  readonly pid?: number;
  readonly bundle: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What a seccomp agent is told along with the descriptor: config-linux.md, "The Container Process State". */
export interface ListenerHandOver {
  readonly listenerPath: string;
  readonly listenerMetadata?: string | undefined;
  /** The process that loaded the filter: for create the first one, for exec the new one. */
  readonly pid: number;
  readonly state: ContainerState;
}

/** An agent that is there accepts and reads at once; one that does not must not hold up the start for ever. */
const AGENT_TIMEOUT_MS = 10_000;

/**
 * Sends a seccomp listener to the agent at `listenerPath`: one message with the state as JSON and the descriptor.
 *
 * @param listener a descriptor of this process. It stays open; the caller closes it.
 * @throws RuntimeFault when the agent can't be reached or does not take the message in time.
 */
export function handOverListener(to: ListenerHandOver, listener: number, timeoutMs = AGENT_TIMEOUT_MS): void {
  const { listenerPath, pid, state } = to;
  const message = utf8(
    JSON.stringify({
      ociVersion: state.ociVersion,
      fds: ["seccompFd"],
      pid,
      metadata: to.listenerMetadata || undefined,
      state,
    }),
  );
  let socket = -1;
  try {
    socket = connectUnix(listenerPath, timeoutMs);
    sendWithDescriptors(socket, message, [listener], timeoutMs);
  } catch (error) {
    if (!(error instanceof SystemError)) throw error;
    const failed = socket < 0 ? "failed to connect with" : "failed to send the listener to";
    throw new RuntimeFault({
      what: `${failed} seccomp agent specified in the seccomp profile`,
      where: "/linux/seccomp/listenerPath",
      value: listenerPath,
      errno: error.errno,
      call: `${error.call}(${error.args})`,
      hint: "the agent must be listening on that socket before the container is created",
      cause: error,
    });
  } finally {
    if (socket >= 0) close(socket);
  }
}
