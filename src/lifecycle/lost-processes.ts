import type { SetUp } from "./set-up.ts";

/** Neither init's end nor a cgroup will end the container's other processes: said when it is created. runc's words. */
export function warnOfLostProcesses({ request, cgroup }: SetUp): void {
  if (Object.keys(cgroup!.paths).length > 0) return;
  request.log.warn(
    "Creating a rootless container with no cgroup and no private pid namespace. " +
      "Such configuration is strongly discouraged (as it is impossible to properly kill all container's processes) " +
      "and will result in an error in a future runc version.",
  );
}
