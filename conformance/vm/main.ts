/** `npm run test:vm`: the tests in a virtual machine with cgroup v2, systemd and AppArmor; README.md has it all. */
import { buildPrograms } from "../runtime-tools/build-programs.ts";
import { runInMachine } from "./machine.ts";
import { passes } from "./passes.ts";

const usage = `usage: npm run test:vm [-- PASS ... | OPTION | TEST FILE ...]

${Object.entries(passes)
  .map(([name, { about, onDemand }]) => `  ${name.padEnd(16)} ${about}${onDemand ? "; on demand" : ""}\n`)
  .join("")}  Without any of these: all passes but those on demand.

  --shell          a root shell inside; "exit" ends the machine, Ctrl-A X kills it
  --run COMMAND    runs a shell command inside and ends with its status
  TEST FILE ...    runs these with bun test`;

const [first, ...rest] = process.argv.slice(2);
try {
  process.exitCode = await main();
} catch (error) {
  console.error(`vm: ${(error as Error).message}`);
  process.exitCode = 1;
}

async function main(): Promise<number> {
  if (process.getuid?.() !== 0) throw new Error("the machine's image is made by debootstrap, which wants root");
  if (first === "--shell" && rest.length === 0) return runInMachine({ script: shell(), limitMs: 24 * 3_600_000 });
  if (first === "--run" && rest.length === 1) return bounded(rest[0]!);
  if (first?.startsWith("-")) {
    console.error(usage);
    return 2;
  }
  const chosen = first === undefined ? Object.keys(passes).filter((name) => !passes[name]!.onDemand) : [first, ...rest];
  if (chosen.every((name) => passes[name] !== undefined)) return runPasses(chosen);
  return bounded(`exec node_modules/.bin/bun test --timeout 60000 ${chosen.map((file) => `'./${file}'`).join(" ")}`);
}

async function runPasses(names: string[]): Promise<number> {
  let programs: string | undefined;
  if (names.includes("runtime-tools")) {
    try {
      programs = buildPrograms().directory;
    } catch (error) {
      console.error(`vm: without the validation programs: ${(error as Error).message}`);
      names = names.filter((name) => name !== "runtime-tools");
    }
  }
  return bounded(`exec node_modules/.bin/bun conformance/vm/inside.ts ${names.join(" ")}`, 2_700_000, programs);
}

function bounded(script: string, limitMs = 900_000, programs?: string): Promise<number> {
  return runInMachine({ script, output: (piece) => void process.stdout.write(piece), limitMs, programs });
}

function shell(): string {
  const { columns, rows } = process.stdout;
  const size = columns === undefined ? "" : `stty rows ${rows} columns ${columns} </dev/ttyS0\n`;
  return `${size}exec setsid --wait --ctty bash -l </dev/ttyS0 >/dev/ttyS0 2>&1\n`;
}
