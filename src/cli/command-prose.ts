/**
 * What the help texts and the manual say of each command beyond its line in the table. Apart from the table because a command that has
 * work to do reads the table, and none of this.
 */

export interface Prose {
  /** Paragraphs, each one line. */
  readonly description: readonly string[];
  /** What it is for, and the words after the program's name. */
  readonly examples?: readonly (readonly [purpose: string, words: string])[];
}

const payloadStatus =
  "The exit status is that of the container's process, or 128 + N when signal N ended it. When the process could not be " +
  "started, it is 1, and standard error says why.";

const report =
  "The bundle may be given as an argument, by --bundle, or be the current directory. Nothing is created, and no privilege is needed.";

export const prose: Readonly<Record<string, Prose>> = {
  checkpoint: {
    description: [
      "Saves the state of a running container to files, by CRIU, from which restore makes it go on: later, or on another machine. " +
        "The container ends, unless --leave-running or --pre-dump is given.",
    ],
  },
  completion: {
    description: [
      "Writes a completion script to standard output. It completes commands, options, values of options where they are known, " +
        "and the ids of containers.",
    ],
    examples: [
      ["For bash, in this shell", "completion bash >/tmp/c && . /tmp/c"],
      ["For zsh, in a directory of $fpath", "completion zsh >/usr/local/share/zsh/site-functions/_runts"],
      ["For fish", "completion fish >/etc/fish/completions/runts.fish"],
    ],
  },
  create: {
    description: [
      "Makes a container of a bundle: a directory with a specification file named config.json and a root file system. Everything is set " +
        "up, and the container's process waits until start lets it go on. <container-id> is a name of your own, unique on this host: " +
        "letters, digits, and _ + - . are allowed.",
      "The program to run is process.args of config.json; edit it there. If anything fails, nothing is left behind.",
    ],
    examples: [["Of the bundle in /var/lib/web", "create --bundle /var/lib/web web1"]],
  },
  delete: {
    description: [
      "Removes what is kept of a container that has ended: its state, its cgroups. Runs its poststop hooks. A container that was created " +
        "and never started is ended first; a running one only with --force.",
    ],
    examples: [["After list has shown web1 as stopped", "delete web1"]],
  },
  events: {
    description: [
      "Writes what happens to a container to standard output, one JSON object a line: its use of CPU, memory, pids, I/O and more every few " +
        "seconds, and a line when its memory has run out. Ends when the container does.",
    ],
  },
  exec: {
    description: [
      "Runs one more process in a container, in its namespaces and cgroups. Environment, capabilities, user and more are those of " +
        "process in the bundle's config.json; options change them. With --process all of it comes from a file.",
      "Options stand before <container-id>: everything after it belongs to the command.",
      "The exit status is that of the process, or 128 + N when signal N ended it. When it could not be started, it is 255.",
    ],
    examples: [["Which processes run in the container", "exec web1 ps"]],
  },
  explain: {
    description: [
      "Shows what starting a container of a bundle would do: every step, the field of config.json that asks for it, and the system calls.",
      report,
    ],
  },
  features: {
    description: [
      "Writes what this runtime supports to standard output, as JSON in the form of the runtime specification's features structure.",
    ],
  },
  kill: {
    description: [
      "Sends a signal to the container's first process: by number, or by name with or without SIG. SIGKILL reaches every process of the " +
        "container, also when it has no pid namespace of its own, or is paused.",
    ],
    examples: [["To end the container web1", "kill web1 KILL"]],
  },
  list: {
    description: [
      "Lists the containers below the state root (--root). A container whose state cannot be read is told of on standard error, and left out.",
    ],
    examples: [["With a state root of one's own", "--root /run/mine list"]],
  },
  pause: {
    description: ["Suspends all processes of a container, until resume. list shows it as paused."],
  },
  ps: {
    description: [
      "Shows the processes of a container, as ps(1) of the host sees them. What follows <container-id> goes to ps, in place of -ef; its " +
        "output must have a column PID.",
    ],
  },
  restore: {
    description: [
      "Makes a container go on from the files that checkpoint has saved, by CRIU. The bundle must be there, as it was.",
    ],
  },
  resume: {
    description: ["Lets the processes of a container go on that pause has suspended."],
  },
  run: {
    description: [
      "Does what create and start do, and stays until the container's process has ended; then the container is deleted. Signals sent to this " +
        "command go to that process. If config.json asks for a terminal, this command's own terminal becomes the container's: keys, " +
        "output and the size of the window.",
      "With --detach it ends as soon as the process runs. A terminal then needs --console-socket.",
      payloadStatus,
    ],
    examples: [
      ["A shell in the bundle of the current directory, as spec has written it", "run try1"],
      ["In the background", "run --detach --bundle /var/lib/web web1"],
    ],
  },
  spec: {
    description: [
      "Writes a config.json to start from, into the current directory or the bundle. A file that is there is not overwritten. As it is, it " +
        "runs sh on a terminal, with the root file system in rootfs, for reading only.",
      "--rootless writes one for a user who is not root: with a user namespace in which the user is root, and without what such " +
        "a container cannot have.",
    ],
    examples: [["For a container that an ordinary user runs", "spec --rootless --bundle ~/bundle"]],
  },
  start: {
    description: [
      "Lets the process of a created container go on: it becomes the program that config.json names. Returns as soon as that has " +
        "happened, or has failed.",
    ],
  },
  state: {
    description: [
      "Writes the state of a container to standard output, as JSON: its status (creating, created, running, paused or stopped), its pid, its bundle.",
    ],
  },
  update: {
    description: [
      "Changes the limits of a running container. With --resources they are read from a file, in the form of linux.resources of config.json, " +
        "and all other options are ignored. What is not given stays as it is.",
    ],
  },
  validate: {
    description: [
      "Reports every fault of a bundle's config.json at once, each with its place in the file (a JSON Pointer), and what is likely to be a mistake. " +
        "The exit status is 1 when no container could be made of it.",
      report,
    ],
  },
};
