/** What a person at a terminal sees of `run` in the foreground. */
import { expect } from "bun:test";
import { statSync } from "node:fs";
import { join } from "node:path";
import type { Config } from "./bundle.ts";
import { containers, until } from "./harness.ts";
import { runtimePath } from "./runtime.ts";
import { needs } from "./supports.ts";
import { type Person, sitDown } from "./tmux.ts";

const { base, bundle, root, running: resident, runtime, state } = containers("terminal");

let person: Person;

/** A test with a person at a terminal, who has left before it is looked for what the test left behind. */
function seated(name: string, body: () => Promise<void>, define = needs("tmux")) {
  define(name, async () => {
    person = sitDown(base);
    try {
      await person.sees(/^host\$$/);
      await body();
    } finally {
      person.leave();
    }
  });
}

const withTerminal = (config: Config) => {
  config.process.terminal = true;
};
const shell = (config: Config) => {
  withTerminal(config);
  config.process.args = ["sh"];
  config.process.env.push("PS1=box# ");
};

/** The command line that runs a bundle. */
const running = (of: { dir: string; id: string }, ...flags: string[]) =>
  `${runtimePath} --root ${root} run ${flags.join(" ")} --bundle ${of.dir} ${of.id}`;

/** Does something that ends the container that runs on the terminal, and then the terminal is as it was. */
async function leavesTheTerminal(command: string, meanwhile: () => void | Promise<void>): Promise<void> {
  const file = join(base, "settings");
  person.line(`stty -g >${file}.before; ${command}; echo "ended with $?"; stty -g >${file}.after`);
  await meanwhile();
  await person.sees(/^ended with \d+$/);
  person.line("clear; echo and here");
  await person.sees(/^and here$/);
  expect(await Bun.file(`${file}.after`).text()).toBe(await Bun.file(`${file}.before`).text());
}

seated("the program has the size of the window from the start, and is told when it changes", async () => {
  const of = bundle("stty size; trap 'stty size' WINCH; while :; do sleep 0.05; done", withTerminal);
  person.line(running(of));
  await person.sees(/^24 80$/);
  person.resize(100, 30);
  await person.sees(/^30 100$/);
});

seated("a shell: lines begin at the left edge, what is typed is shown once", async () => {
  person.line(running(bundle("", shell)));
  await person.sees(/^box# ?$/);
  person.line("echo one; echo two");
  await person.sees(/^one\ntwo\nbox#$/);
  expect(person.screen().match(/echo one/g)).toHaveLength(1);
  person.line("exit 3");
  await person.sees(/^host\$$/);
  person.line("echo status $?");
  await person.sees(/^status 3$/);
});

seated("Ctrl-C, Ctrl-Z and fg are the container's shell's to deal with", async () => {
  person.line(running(bundle("", shell)));
  await person.sees(/^box# ?$/);
  person.line("sh -c 'echo going; exec sleep 1000'");
  await person.sees(/^going$/);
  person.press("C-z");
  await person.sees(/^(\^Z)?\[1\]\+? *Stopped +sh -c/);
  person.line("clear; fg");
  await person.sees(/^sh -c/);
  await until("Ctrl-C to end the job, which the shell has just brought to the front", () => {
    person.press("C-c");
    return /^box#/m.test(person.screen());
  });
  person.line("echo still here");
  await person.sees(/^still here$/);
  person.line("cat");
  person.line("to cat");
  await person.sees(/^to cat\nto cat$/);
  person.press("C-d");
  await person.sees(/^to cat\nbox# ?$/);
});

seated("Ctrl-C reaches a program that deals with it", async () => {
  person.line(
    running(bundle("trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done", withTerminal)),
  );
  await person.sees(/^ready$/);
  person.press("C-c");
  await person.sees(/caught\nhost\$$/);
});

seated("the terminal is as before after the program's end", () =>
  leavesTheTerminal(running(bundle("exit 7", withTerminal)), () => person.sees(/^ended with 7$/)),
);

seated("the terminal is as before after the program was killed", () => {
  const of = bundle("echo ready; sleep 1000", withTerminal);
  return leavesTheTerminal(running(of), async () => {
    await person.sees(/^ready$/);
    process.kill(state(of.id).pid, "SIGKILL");
    await person.sees(/^ended with 137$/);
  });
});

seated("the terminal is as before when the program can't be run", () => {
  const of = bundle("", (config) => {
    withTerminal(config);
    config.process.args = ["/nope"];
  });
  return leavesTheTerminal(running(of), () => person.sees(/^ended with (1|255)$/));
});

/** The runtime's process, from the job that the shell waits for. */
const runtimePid = (id: string) =>
  Number(
    Bun.spawnSync(["pgrep", "-f", `^${runtimePath} .*run .*${id}$`])
      .stdout.toString()
      .split("\n")[0],
  );

seated("SIGTERM to the runtime goes to the program, and the terminal is as before", () => {
  const of = bundle("trap 'echo told; exit 9' TERM; echo ready; while :; do sleep 0.05; done", withTerminal);
  return leavesTheTerminal(running(of), async () => {
    await person.sees(/^ready$/);
    process.kill(runtimePid(of.id), "SIGTERM");
    await person.sees(/^ended with 9$/);
  });
});

seated(
  "a runtime that was stopped goes on as it was",
  async () => {
    const of = bundle("", shell);
    person.line(running(of));
    await person.sees(/^box# ?$/);
    process.kill(runtimePid(of.id), "SIGSTOP");
    await person.sees(/Stopped/);
    person.resize(90, 20);
    person.line("clear; echo outside; fg");
    await person.sees(/^outside$/);
    person.line("stty size");
    await person.sees(/^20 90$/);
    expect(person.screen().match(/stty size/g)).toHaveLength(1);
  },
  needs("tmux", "job control of the runtime itself"),
);

seated(
  "in the background it stops, as everything does that sets a terminal",
  async () => {
    person.line(`${running(bundle("", shell))} &`);
    await until("the job to be stopped", () => {
      person.line("clear; jobs");
      return /Stopped/.test(person.screen());
    });
    person.line("clear; fg");
    // A long command has more than one line.
    await person.sees(/ run /);
    person.line("echo within");
    await person.sees(/^within$/);
  },
  needs("tmux", "job control of the runtime itself"),
);

seated("without a terminal of its own, a program that is not root doesn't come to own the person's", async () => {
  const of = bundle("echo ran", (config) => {
    config.process.user = { uid: 1000, gid: 1000 };
  });
  const file = join(base, "tty");
  person.line(`tty >${file}; ${running(of)}; echo "ended with $?"`);
  await person.sees(/^ran\nended with 0$/);
  expect(statSync((await Bun.file(file).text()).trim()).uid).toBe(process.getuid!());
  expect(runtime(["state", of.id]).code).toBe(1);
});

seated("exec --tty is like run: the size of the window, Ctrl-C, the terminal as before", async () => {
  const { id } = resident();
  const script = "stty size; trap 'stty size' WINCH; trap 'echo caught; exit 5' INT; while :; do sleep 0.05; done";
  await leavesTheTerminal(`${runtimePath} --root ${root} exec --tty ${id} sh -c "${script}"`, async () => {
    await person.sees(/^24 80$/);
    person.resize(100, 30);
    await person.sees(/^30 100$/);
    person.press("C-c");
    await person.sees(/caught\nended with 5$/);
  });
});

seated(
  "without input it leaves the terminal as it is, runs in the background, and Ctrl-C is a signal",
  async () => {
    const script = "stty size; trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done";
    const [one, two] = [bundle(script, withTerminal), bundle(script, withTerminal)];
    await leavesTheTerminal(`${running(one)} </dev/null`, async () => {
      await person.sees(/^24 80\nready$/);
      person.press("C-c");
      await person.sees(/caught\nended with 5$/);
    });
    person.line(`clear; ${running(two)} </dev/null >/dev/null 2>&1 &`);
    await until("the container to run", () => runtime(["state", two.id]).stdout.includes('"running"'));
    person.line("clear; jobs");
    await person.sees(/\[1\]\+ +Running/);
  },
  needs("tmux", "job control of the runtime itself"),
);
