import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { baseImage } from "./base-image.ts";
import { scratchDirectory } from "./cache.ts";
import { writeInitialRoot } from "./initial-root.ts";
import { writeProjectDisk } from "./project-disk.ts";

export interface Job {
  /** A shell script that root runs in /srv/runts, the checkout, when the machine is up. */
  readonly script: string;
  /** Called with what the script writes, in pieces. Without it the script has the terminal, through /dev/ttyS0. */
  readonly output?: (piece: Uint8Array) => void;
  /** From power-on to the end. */
  readonly limitMs: number;
  /** Directory of the validation programs. */
  readonly programs?: string;
}

/** Emulation works everywhere; who has a KVM that works, says so, and waits a tenth of the time. */
const accelerator = process.env.RUNTS_VM_ACCEL ?? "tcg,thread=multi,tb-size=1024";

/**
 * Starts a machine of its own, with the checkout as it is now, runs the job in it and ends it. Nothing that happens in it reaches
 * the image or the checkout.
 *
 * @returns the script's exit status, 128+n after signal n.
 * @throws when the machine does not come up, ends without a status, or takes longer than its limit; with the console's last lines.
 */
export async function runInMachine(job: Job): Promise<number> {
  const image = baseImage();
  const scratch = scratchDirectory();
  try {
    const initialRoot = join(scratch, "initial-root");
    const project = join(scratch, "project");
    writeInitialRoot(image.modules, initialRoot);
    writeProjectDisk(project, job.script, job.programs);
    const emulator = ["-kernel", image.kernel, "-initrd", initialRoot, ...disk(image.disk), ...disk(project)];
    const ended = await emulate([...emulator, ...channels(job, scratch)], job);
    return statusOf(scratch, ended);
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

/** A disk whose changes are forgotten. */
function disk(file: string): string[] {
  return ["-drive", `file=${file},if=virtio,format=raw,snapshot=on,cache=unsafe`];
}

function channels(job: Job, scratch: string): string[] {
  const port = (name: string) => ["-device", `virtserialport,chardev=${name},name=${name}`];
  const terminal =
    job.output === undefined
      ? ["-serial", "mon:stdio", "-chardev", "null,id=output"]
      : ["-serial", `file:${join(scratch, "console")}`, "-chardev", "stdio,id=output,signal=off"];
  const status = ["-chardev", `file,id=status,path=${join(scratch, "status")}`];
  return [...terminal, ...status, "-device", "virtio-serial-pci", ...port("output"), ...port("status")];
}

async function emulate(devices: readonly string[], job: Job): Promise<string> {
  // Without randomised addresses the same code is translated once for all processes, and nobody attacks the emulator's caches.
  const kernel =
    "console=ttyS0 panic=-1 quiet norandmaps nokaslr mitigations=off apparmor=1 security=apparmor systemd.show_status=no";
  const child = Bun.spawn(
    // Whatever happens to this process, the machine does not outlive it.
    [
      "setpriv",
      "--pdeathsig",
      "KILL",
      "qemu-system-x86_64",
      "-accel",
      accelerator,
      "-cpu",
      "max,la57=off",
      "-smp",
      "2",
      "-m",
      "2048",
    ].concat(["-nodefaults", "-display", "none", "-no-reboot", "-append", kernel, ...devices]),
    {
      // A pipe that nothing comes through: at an end of input the emulator would hang the channel up.
      stdin: job.output === undefined ? "inherit" : "pipe",
      stdout: job.output === undefined ? "inherit" : "pipe",
      stderr: "inherit",
    },
  );
  const stop = () => child.kill("SIGKILL");
  let late = false;
  const alarm = setTimeout(() => {
    late = true;
    stop();
  }, job.limitMs);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(signal, stop);
  if (child.stdout !== undefined)
    for await (const piece of child.stdout as ReadableStream<Uint8Array>) job.output?.(piece);
  const code = await child.exited;
  clearTimeout(alarm);
  if (late) return `the machine was stopped after ${job.limitMs / 1000} s`;
  return `the machine ended with ${code ?? child.signalCode} and left no status`;
}

/** systemd's words for how the job ended: "exited 1", "killed KILL". */
function statusOf(scratch: string, ended: string): number {
  const [how, what] = read(join(scratch, "status")).trim().split(" ");
  if (how === "exited") return Number(what);
  if (how === "killed" || how === "dumped") return 128 + Number(Bun.spawnSync(["kill", "-l", what!]).stdout);
  throw new Error(`${ended}; its console's last lines:\n${read(join(scratch, "console")).slice(-3000)}`);
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return ""; // never written
  }
}
