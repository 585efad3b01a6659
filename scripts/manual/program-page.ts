import { type CommandSpec, globalOptions } from "../../src/cli/command-table.ts";
import { options, reference, sentence } from "./command-page.ts";
import { bold, example, heading, italic, item, type PageName, paragraph, section } from "./roff.ts";

const description = [
  "runts starts and looks after containers by the Open Container Initiative's runtime specification. Its command line, its output and its " +
    "exit statuses are those of runc, in whose place container engines call it. People use it to try a bundle, and to see what became " +
    "of a container.",
  "A bundle is a directory with a specification file named config.json and a root file system. A container is made of it under a name " +
    "that is unique below the state root.",
];

const firstSteps = `mkdir -p bundle/rootfs && cd bundle
tar -C rootfs -xf ../root-file-system.tar
runts spec
runts run try1`;

const statuses: readonly (readonly [string, string])[] = [
  ["0", "Success."],
  ["1", "The command failed. Standard error says why, and with --log the log file, too."],
  ["3", "There is no such command."],
  ["255", "exec could not start its process."],
  ["other", "run and exec in the foreground end as the container's process did; with 128 + N when signal N ended it."],
];

const variables: readonly (readonly [string, string])[] = [
  [
    "XDG_RUNTIME_DIR",
    "Who is not root has their containers in runc below this directory, unless --root says otherwise.",
  ],
  ["NOTIFY_SOCKET", "create, run and start pass on to it that the container's process is ready (sd_notify(3))."],
  [
    "LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES",
    "Socket activation (sd_listen_fds(3)): descriptors that are meant for this process go to the container's.",
  ],
];

const files: readonly (readonly [string, string])[] = [
  ["/run/runc", "The state root: a directory for each container, with state.json in it."],
  ["/run/runts-seccomp", "Compiled seccomp filters, to be used again."],
];

/** runts.8 */
export function programPage(page: PageName, commands: readonly (readonly [name: string, spec: CommandSpec])[]): string {
  const list = (pairs: readonly (readonly [string, string])[]) =>
    pairs.map(([term, text]) => item([term], undefined, text)).join("");
  const pages = commands.map(([name]) => reference(`runts-${name}`)).join(",\n");
  return [
    heading(page),
    section("NAME", "runts \\- start and look after containers, in the place of runc\n"),
    section(
      "SYNOPSIS",
      `.PP\n${bold("runts")} [${italic("global options")}] ${italic("command")} [${italic("options")}] [${italic("arguments")}]\n`,
    ),
    section("DESCRIPTION", description.map(paragraph).join("")),
    section("COMMANDS", list(commands.map(([name, { summary }]) => [name, sentence(summary)]))),
    section("GLOBAL OPTIONS", paragraph("They stand before the command.") + options(globalOptions())),
    section("EXIT STATUS", list(statuses)),
    section("ENVIRONMENT", list(variables)),
    section("FILES", list(files)),
    section("EXAMPLES", paragraph("A shell in a container:") + example(firstSteps)),
    section("SEE ALSO", `.PP\n${pages}\n`),
  ].join("");
}
