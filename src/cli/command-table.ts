/**
 * The command line, once: what the parser accepts, and what the help texts say.
 *
 * Every entry is a function, so that a command pays for its own description only.
 */

export interface OptionSpec {
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** The values of an "int-list" are decimal texts. */
  readonly type: "bool" | "string" | "int" | "list" | "int-list" | "duration";
  /** What the help calls the value; "a|b" when it is one of these. */
  readonly value?: string;
  /** Accepted, but not shown by the help. */
  readonly hidden?: boolean;
  readonly help: string;
}

export interface CommandSpec {
  readonly summary: string;
  /** The arguments, as the help shows them. */
  readonly usage: string;
  readonly minimum: number;
  readonly maximum: number;
  /** Carried out, but not listed: callers compare the list of commands with runc's. */
  readonly hidden?: boolean;
  /** Everything after the first argument belongs to the arguments, as `exec` needs it. */
  readonly stopsAtArgument?: boolean;
  readonly options: readonly OptionSpec[];
}

const id = "<container-id>";

function oneContainer(summary: string, options: readonly OptionSpec[] = []): CommandSpec {
  return { summary, usage: id, minimum: 1, maximum: 1, options };
}

function noArguments(summary: string, options: readonly OptionSpec[] = []): CommandSpec {
  return { summary, usage: "", minimum: 0, maximum: 0, options };
}

/** The bundle may be given by name, which is what a person types, or as everywhere else. */
function oneBundle(summary: string): CommandSpec {
  return { summary, usage: "[bundle]", minimum: 0, maximum: 1, options: [bundleOption(), reportFormatOption()] };
}

function bundleOption(): OptionSpec {
  return {
    name: "bundle",
    short: "b",
    type: "string",
    value: "DIR",
    help: "path to the root of the bundle directory, defaults to the current directory",
  };
}

function reportFormatOption(): OptionSpec {
  return { name: "format", short: "f", type: "string", value: "text|json", help: "how to report (default: text)" };
}

function createOptions(): OptionSpec[] {
  return [
    bundleOption(),
    {
      name: "console-socket",
      type: "string",
      value: "SOCKET",
      help: "path to an AF_UNIX socket which will receive the master end of the console's pseudoterminal",
    },
    {
      name: "pidfd-socket",
      type: "string",
      value: "SOCKET",
      help: "path to an AF_UNIX socket which will receive a pidfd of the container's init process",
    },
    { name: "pid-file", type: "string", value: "FILE", help: "the file to write the process id to" },
    { name: "no-pivot", type: "bool", help: "jail the process without pivot_root, for a rootfs on a ramdisk" },
    { name: "no-new-keyring", type: "bool", help: "let the container inherit the caller's session keyring" },
    {
      name: "preserve-fds",
      type: "int",
      value: "N",
      help: "pass N additional file descriptors to the container (stdio + $LISTEN_FDS + N in total)",
    },
  ];
}

function execOptions(): OptionSpec[] {
  return [
    {
      name: "console-socket",
      type: "string",
      value: "SOCKET",
      help: "path to an AF_UNIX socket which will receive the master end of the console's pseudoterminal",
    },
    {
      name: "pidfd-socket",
      type: "string",
      value: "SOCKET",
      help: "path to an AF_UNIX socket which will receive a pidfd of the process",
    },
    { name: "cwd", type: "string", value: "DIR", help: "current working directory in the container" },
    { name: "env", short: "e", type: "list", value: "NAME=VALUE", help: "set environment variables" },
    { name: "tty", short: "t", type: "bool", help: "allocate a pseudo-TTY" },
    { name: "user", short: "u", type: "string", value: "UID[:GID]", help: "the user, by number" },
    { name: "additional-gids", short: "g", type: "int-list", value: "GID", help: "additional gids" },
    {
      name: "process",
      short: "p",
      type: "string",
      value: "FILE",
      help: "path to the process.json, which is all that counts then",
    },
    { name: "detach", short: "d", type: "bool", help: "detach from the process" },
    { name: "pid-file", type: "string", value: "FILE", help: "the file to write the process id to" },
    { name: "process-label", type: "string", value: "LABEL", help: "the SELinux label of the process" },
    { name: "apparmor", type: "string", value: "PROFILE", help: "the AppArmor profile of the process" },
    { name: "no-new-privs", type: "bool", help: "set the no new privileges value for the process" },
    {
      name: "cap",
      short: "c",
      type: "list",
      value: "CAP_NAME",
      help: "add a capability to the bounding set for the process",
    },
    {
      name: "preserve-fds",
      type: "int",
      value: "N",
      help: "pass N additional file descriptors to the process, from 3 on",
    },
    {
      name: "cgroup",
      type: "list",
      value: "[CONTROLLER:]PATH",
      help: "run the process in an (existing) sub-cgroup",
    },
    { name: "ignore-paused", type: "bool", help: "allow exec in a paused container" },
  ];
}

function criuOptions(): typeof import("./criu-options.ts") {
  return require("./criu-options.ts") as typeof import("./criu-options.ts");
}

/** The commands, in the order in which the help lists them. */
export const commands: Readonly<Record<string, () => CommandSpec>> = {
  checkpoint: () => oneContainer("save a running container's processes to images", criuOptions().checkpointOptions()),
  completion: () => ({
    summary: "write a completion script for a shell",
    usage: "bash|zsh|fish",
    minimum: 1,
    maximum: 1,
    hidden: true,
    options: [],
  }),
  create: () => oneContainer("create a container", createOptions()),
  delete: () =>
    oneContainer("delete any resources held by a container", [
      {
        name: "force",
        short: "f",
        type: "bool",
        help: "kill the container if it is still running; no error if there is none",
      },
    ]),
  exec: () => ({
    summary: "execute new process inside the container",
    usage: `${id} <command> [arguments...]`,
    minimum: 1,
    maximum: Number.POSITIVE_INFINITY,
    stopsAtArgument: true,
    options: execOptions(),
  }),
  events: () =>
    oneContainer("display container events: usage statistics, and lack of memory", [
      { name: "interval", type: "duration", value: "DURATION", help: "time between two lines of stats (default: 5s)" },
      { name: "stats", type: "bool", help: "display the container's stats once, then exit" },
    ]),
  explain: () => oneBundle("show what starting a bundle's container would do, and why"),
  features: () => noArguments("show the enabled features"),
  kill: () => ({
    summary: "send a signal (default: SIGTERM) to the container's init process",
    usage: `${id} [signal]`,
    minimum: 1,
    maximum: 2,
    options: [
      {
        name: "all",
        short: "a",
        type: "bool",
        hidden: true,
        help: "no error if the container is not running (obsolete)",
      },
    ],
  }),
  list: () =>
    noArguments("list the containers of the given root", [
      { name: "format", short: "f", type: "string", value: "table|json", help: "how to show it (default: table)" },
      { name: "quiet", short: "q", type: "bool", help: "display only container ids" },
    ]),
  pause: () => oneContainer("suspend all processes of a container"),
  ps: () => ({
    summary: "display the processes running inside a container",
    usage: `${id} [ps options]`,
    minimum: 1,
    maximum: Number.POSITIVE_INFINITY,
    stopsAtArgument: true,
    options: [
      { name: "format", short: "f", type: "string", value: "table|json", help: "how to show it (default: table)" },
    ],
  }),
  restore: () => oneContainer("bring a container back from its images", criuOptions().restoreOptions(bundleOption())),
  resume: () => oneContainer("let the processes of a paused container go on"),
  run: () =>
    oneContainer("create and start a container", [
      ...createOptions(),
      { name: "detach", short: "d", type: "bool", help: "detach from the container's process" },
      { name: "keep", type: "bool", help: "do not delete the container after it exits" },
      { name: "no-subreaper", type: "bool", help: "do not become the reaper of the container's orphans" },
    ]),
  spec: () =>
    noArguments("create a new specification file", [
      bundleOption(),
      { name: "rootless", type: "bool", help: "for a container that an ordinary user runs" },
    ]),
  start: () => oneContainer("execute the user's process in a created container"),
  state: () => oneContainer("output the state of a container"),
  update: () => (require("./update-options.ts") as typeof import("./update-options.ts")).updateCommand(),
  validate: () => oneBundle("report everything that is wrong with a bundle's config.json"),
};

/** Options that stand before the command. */
export function globalOptions(): OptionSpec[] {
  return [
    { name: "debug", type: "bool", help: "log what is done, stage by stage, with times" },
    { name: "log", type: "string", value: "FILE", help: "the file to append log lines to (default: standard error)" },
    { name: "log-format", type: "string", value: "text|json", help: "how log lines are written (default: text)" },
    {
      name: "root",
      type: "string",
      value: "DIR",
      help: "where the state of containers is kept, best on a tmpfs (default: /run/runc, or $XDG_RUNTIME_DIR/runc)",
    },
    { name: "systemd-cgroup", type: "bool", help: 'use systemd for cgroups; cgroupsPath is "slice:prefix:name"' },
    {
      name: "rootless",
      type: "string",
      value: "true|false|auto",
      help: "ignore cgroup permission errors (default: auto)",
    },
    // runc dropped it in 1.4 after years of ignoring it, yet clients still pass it.
    { name: "criu", type: "string", value: "FILE", hidden: true, help: "ignored: criu is looked for in $PATH" },
    { name: "help", short: "h", type: "bool", help: "show help" },
    { name: "version", short: "v", type: "bool", help: "print the version" },
  ];
}

/** The option that every command has. */
export const helpOption: OptionSpec = { name: "help", short: "h", type: "bool", help: "show help" };
