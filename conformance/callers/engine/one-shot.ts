import { check, equal } from "../check.ts";
import { atTerminal, run, says, saysAtTerminal } from "../command.ts";
import type { Engine } from "./engine.ts";

/** Containers that run once: streams, exit statuses, a terminal, errors. */
export async function oneShot(engine: Engine): Promise<void> {
  await streams(engine);
  await terminal(engine);
  await errors(engine);
  await names(engine);
}

async function streams({ run: once, image }: Engine): Promise<void> {
  await says("run: output", once(image, "echo", "hello"), { says: /^hello$/m });
  await says("run: exit status", once(image, "sh", "-c", "exit 7"), { status: 7 });
  await says("run: input", once("-i", image, "cat"), { input: "in-data\n", says: /^in-data$/m });
  await check("run: stdout and stderr apart", async () => {
    const { stdout, output } = await run(once(image, "sh", "-c", "echo O; echo E >&2"));
    equal(`${stdout}${output}`, "O\nO\nE\n");
  });
  await check("run: much output, all of it", async () => {
    equal((await run(once(image, "seq", "1", "40000"))).stdout.length, 228_894);
  });
  await says(
    "run: environment, working directory, user",
    once("-e", "FOO=bar", "-w", "/etc", "-u", "user", image, "sh", "-c", "echo $FOO; pwd; echo $IMGENV; id"),
    { says: [/^bar\n\/etc\n1$/m, /uid=1000/] },
  );
  await check("run: five at once", async () => {
    const all = await Promise.all([1, 2, 3, 4, 5].map((n) => run(once(image, "echo", `par-${n}`))));
    equal(all.map((each) => each.stdout).join(""), "par-1\npar-2\npar-3\npar-4\npar-5\n");
  });
}

async function terminal({ run: once, image }: Engine): Promise<void> {
  await saysAtTerminal(
    "run -t: a terminal with its size",
    once("-it", image, "sh", "-c", "tty; sleep 1; stty size; exit 6"),
    {
      status: 6,
      says: [/\/dev\/pts\/0/, /37 101/],
    },
  );
  await check("run -it: a session typed by hand", async () => {
    const done = await atTerminal(once("-it", image, "sh"), [
      { after: /# /, type: "echo $((6*7))\r" },
      { after: /\b42\b/, type: "cat >/dev/null; echo status $?\r" },
      { after: /status \$\?/, type: "\x03" },
      { after: /# /, resize: [80, 24], type: "sleep 1; stty size\r" },
      { after: /24 80/, type: "exit 9\r" },
    ]);
    equal(done.status, 9);
  });
}

async function errors({ run: once, image }: Engine): Promise<void> {
  await says("run: no such program", once(image, "/nonexistent"), {
    status: 127,
    says: /[Nn]o such file or directory/,
  });
  await says("run: not found in PATH", once(image, "nonexistent"), {
    status: 127,
    says: /executable file .*not found/,
  });
  // runc 1.5 says that it is one, where older ones said "permission denied"; engines know the one or both.
  await says("run: a directory as program", once(image, "/etc"), {
    status: [125, 126],
    says: /[Pp]ermission denied|is a directory/,
  });
  await says("run: not a program", once(image, "/etc/passwd"), { status: 126, says: /[Pp]ermission denied/ });
}

async function names({ run: once, create, client, image }: Engine): Promise<void> {
  await says("run: a host name", once("--hostname", "hh", image, "hostname"), { says: /^hh$/m });
  await says("create: a container", create("d3", image, "sh", "-c", "echo attached; exit 4"));
  await says("start: attached", client("start", "-a", "d3"), { status: 4, says: /^attached$/m });
  await says("rm: a stopped container", client("rm", "d3"));
}
