/** The options of checkpoint and restore, for the command table. */
import type { OptionSpec } from "./command-table.ts";

function flag(name: string, help: string): OptionSpec {
  return { name, type: "bool", help };
}

function text(name: string, value: string, help: string): OptionSpec {
  return { name, type: "string", value, help };
}

function commonOptions(): OptionSpec[] {
  return [
    text("image-path", "DIR", "directory of the images (default: checkpoint, in the working directory)"),
    text("work-path", "DIR", "directory for work files and logs (default: that of the images)"),
    flag("tcp-established", "allow open TCP connections"),
    flag("ext-unix-sk", "allow Unix sockets that lead out of the container"),
    flag("shell-job", "allow a terminal that is the caller's"),
    flag("file-locks", "handle file locks, for safety"),
    text("manage-cgroups-mode", "soft|full|strict|ignore", "what becomes of cgroups (default: soft)"),
    {
      name: "empty-ns",
      type: "list",
      value: "NAMESPACE",
      help: "make a namespace without its properties; always so for the only one possible, network",
    },
    flag("auto-dedup", "punch out of earlier images what later ones have"),
    flag("lazy-pages", "restore memory when it is asked for, by userfaultfd"),
  ];
}

export function checkpointOptions(): OptionSpec[] {
  return [
    ...commonOptions(),
    text("parent-path", "DIR", "images of the dump before, relative to --image-path"),
    flag("leave-running", "leave the container running"),
    flag("tcp-skip-in-flight", "leave out TCP connections that are being made"),
    flag("link-remap", "link unlinked files back when possible"),
    {
      name: "status-fd",
      type: "int",
      value: "FD",
      help: "descriptor that a NUL byte is written to when lazy pages are ready",
    },
    text("page-server", "ADDRESS:PORT", "page server that the memory goes to"),
    flag("pre-dump", "save memory only, and leave the container running"),
  ];
}

export function restoreOptions(bundle: OptionSpec): OptionSpec[] {
  return [
    bundle,
    text("console-socket", "SOCKET", "AF_UNIX socket that gets the master end of the container's terminal"),
    text("pid-file", "FILE", "the file to write the process id to"),
    { name: "detach", short: "d", type: "bool", help: "detach from the container's process" },
    flag("no-subreaper", "do not become the reaper of the container's orphans"),
    flag("no-pivot", "accepted, without effect: criu changes the root"),
    ...commonOptions(),
    flag("tcp-close", "restore TCP connections as closed"),
    text("lsm-profile", "TYPE:NAME", "label or profile that the processes get"),
    text("lsm-mount-context", "CONTEXT", "label that mounts get"),
  ];
}
