/**
 * The entry. It finds the word that is the command, and goes into the part of the program that carries it out: `state` must not
 * pay for what only `create` needs, not even for having its functions declared (docs/measurements.md).
 *
 * A part that is handed a command line which is not its own passes it on to the whole program: the word is a guess.
 *
 * Standard streams that the caller closed are /dev/null by now: the engine sees to that before it runs this, so no other
 * descriptor can come to have their numbers (a test holds it to that).
 */
import { callersArguments } from "../../native-bindings/caller-words.ts";
import { snapshotMode, TO_BE_TAKEN } from "../../native-bindings/snapshot-mode.ts";

/** Global options that are followed by a value of their own. */
const VALUED = " root log log-format rootless criu ";

/** The first word that is neither an option nor an option's value. */
function commandWord(argv: readonly string[]): string {
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i]!;
    if (word[0] !== "-") return word;
    const name = word.slice(word[1] === "-" ? 2 : 1);
    if (VALUED.indexOf(` ${name} `) >= 0) i++;
  }
  return "";
}

function load(command: string): { main(argv: readonly string[]): void } {
  switch (command) {
    case "create":
    case "run":
      return require("./create-and-run.ts") as typeof import("./create-and-run.ts");
    case "exec":
      return require("./exec.ts") as typeof import("./exec.ts");
    case "delete":
    case "kill":
    case "pause":
    case "resume":
    case "start":
    case "state":
      return require("./tend.ts") as typeof import("./tend.ts");
    default:
      return require("./whole-program.ts") as typeof import("./whole-program.ts");
  }
}

function carryOut(argv: readonly string[]): void {
  load(commandWord(argv)).main(argv);
}

if (snapshotMode() === TO_BE_TAKEN) {
  const { waitForSnapshot } = require("./snapshot.ts") as typeof import("./snapshot.ts");
  waitForSnapshot(carryOut);
}
carryOut(callersArguments());
