import { readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { check, equal, matches } from "../check.ts";
import { run, saysAtTerminal } from "../command.ts";
import { type Containerd, says } from "./containerd.ts";

/** Containers that run once: streams, exit statuses, errors. */
export async function ctrOneShot(containerd: Containerd): Promise<void> {
  await streams(containerd);
  await variants(containerd);
  await errors(containerd);
}

async function streams({ run: once, image, place }: Containerd): Promise<void> {
  await says("run: output", once(image, "r1", "echo", "hello"), { says: /^hello$/m });
  await says("run: exit status", once(image, "r2", "sh", "-c", "exit 7"), { status: 7 });
  // ctr loses an end of input that comes before the task is there, hence the pauses.
  const fed = ["sh", "-c", '(echo in-data; sleep 1) | "$@"', "sh"];
  await says("run: input", [...fed, ...once(image, "r3", "cat")], { says: /^in-data$/m });
  await check("run: stdout and stderr apart", async () => {
    const { stdout, output } = await run(once(image, "r4", "sh", "-c", "echo O; echo E >&2"));
    equal(`${stdout}${output}`, "O\nO\nE\n");
  });
  await check("run: much output, all of it", async () => {
    const { stdout } = await run(once(image, "r5", "seq", "1", "40000"));
    equal(stdout.length, 228_894);
  });
  await says("run: without streams", once("--null-io", image, "r6", "sh", "-c", "echo lost; exit 5"), { status: 5 });
  const log = join(place.scratch, "out.log");
  // ctr does not wait until the log is written, so the container stays a moment.
  const logged = once("--log-uri", `file://${log}`, image, "r7", "sh", "-c", "echo logged; sleep 1");
  await says("run: output to a file", logged);
  await check("run: what the file has", () => matches(readFileSync(log, "utf8"), /logged/));
  await saysAtTerminal(
    "run: a terminal with its size",
    once("-t", image, "r8", "sh", "-c", "tty; sleep 1; stty size; sleep 1; exit 6"),
    { status: 6, says: [/\/dev\/pts\/0/, /37 101/] },
  );
}

async function variants({ run: once, image, files }: Containerd): Promise<void> {
  await says(
    "run: environment and working directory",
    once("--env", "FOO=bar", "--cwd", "/etc", image, "v1", "sh", "-c", "echo $FOO; pwd; echo $IMGENV"),
    { says: /^bar\n\/etc\n1$/m },
  );
  const directory = once("--rootfs", files.rootfs, "v2", "/bin/echo", "from a directory");
  await says("run: a directory as root filesystem", directory, { says: /^from a directory$/m });
  await says("run: no pivot_root", once("--no-pivot", image, "v3", "echo", "np"), { says: /^np$/m });
  const host = readlinkSync("/proc/self/ns/net");
  await says("run: the host's network", once("--net-host", image, "v4", "readlink", "/proc/self/ns/net"), {
    says: new RegExp(RegExp.escape(host)),
  });
  await check("run: namespaces of its own", async () => {
    const names = ["net", "ipc", "uts", "pid", "mnt"];
    const { stdout } = await run(
      once(image, "v5", "sh", "-c", "cd /proc/self/ns; for n in net ipc uts pid mnt; do readlink $n; done"),
    );
    const shared = stdout
      .split("\n")
      .filter((link) => names.some((name) => readlinkSync(`/proc/self/ns/${name}`) === link));
    equal(`${stdout.trim().split("\n").length} ${shared.join(" ")}`, "5 ");
  });
  await check("run: five at once", async () => {
    const all = await Promise.all([1, 2, 3, 4, 5].map((n) => run(once(image, `p${n}`, "echo", `par-${n}`))));
    equal(all.map((each) => each.stdout).join(""), "par-1\npar-2\npar-3\npar-4\npar-5\n");
  });
}

async function errors({ run: once, image }: Containerd): Promise<void> {
  await says("run: no such program", once(image, "x1", "/nonexistent"), {
    status: 1,
    says: [/OCI runtime create failed/, /no such file or directory/],
  });
  await says("run: not a program", once(image, "x2", "/etc/passwd"), { status: 1, says: /permission denied/ });
  await says("run: not found in PATH", once(image, "x3", "nonexistent"), {
    status: 1,
    says: /executable file not found in \$PATH/,
  });
}
