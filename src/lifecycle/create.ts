import { close } from "../../native-bindings/files.ts";
import type { CreateRequest } from "./create-request.ts";
import { setUpContainer } from "./set-up.ts";

export type { CreateRequest };

/**
 * Creates a container: everything is set up, and its init blocks on the exec FIFO.
 *
 * @throws RuntimeFault; then nothing is left of it.
 * @see runtime-spec runtime.md, Create
 */
export function createContainer(request: CreateRequest): void {
  close(setUpContainer(request, "fifo", true).sync);
}
