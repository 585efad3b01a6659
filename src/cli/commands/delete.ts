import { deleteContainer } from "../../lifecycle/delete.ts";
import { type CommandRequest, rootOf } from "../request.ts";

export function run(request: CommandRequest): undefined {
  deleteContainer({
    root: rootOf(request).path,
    id: request.arguments[0]!,
    force: request.options.force === true,
    log: request.log,
  });
}
