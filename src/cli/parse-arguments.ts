/**
 * argv → invocation, for well-formed command lines. What is not well-formed, and every question for help, is described as
 * a {@link Problem} and told by `help.ts`, which a command that has work to do never loads.
 *
 * The grammar is that of runc: `--x V`, `--x=V`, `-x V` and `-x=V` are the same for long and for short names, options may
 * stand before and after the arguments, `--` ends them, of repeated values the last counts.
 */
import { type CommandSpec, commands, globalOptions, helpOption, type OptionSpec } from "./command-table.ts";

export type OptionValue = boolean | string | number | string[];
export type OptionValues = { [name: string]: OptionValue | undefined };

export interface Invocation {
  readonly command: string;
  readonly global: OptionValues;
  readonly options: OptionValues;
  readonly arguments: readonly string[];
}

/** Why a command line cannot be carried out as it is. `global` holds what was understood before it. */
export type Problem = { readonly global: OptionValues } & (
  | { readonly kind: "version" }
  | { readonly kind: "help"; readonly command?: string }
  | { readonly kind: "unknown command"; readonly name: string }
  | { readonly kind: "bad option"; readonly command?: string; readonly message: string }
  | { readonly kind: "argument count"; readonly command: string; readonly message: string }
);

/** @param argv the words after the program's name. */
export function parseArguments(argv: readonly string[]): Invocation | Problem {
  const global: OptionValues = {};
  const reader = new WordReader(argv);
  const complaint = readOptions(reader, globalOptions(), global, [], true);
  if (global.version === true) return { kind: "version", global };
  if (complaint !== undefined) return { kind: "bad option", message: complaint, global };
  const command = reader.next();
  if (global.help === true || command === undefined) return { kind: "help", global };
  if (command === "help" || command === "h") return helpFor(reader.next(), global);
  const spec = Object.hasOwn(commands, command) ? commands[command]!() : undefined;
  if (spec === undefined) return { kind: "unknown command", name: command, global };
  return readCommand(command, spec, reader, global);
}

function helpFor(command: string | undefined, global: OptionValues): Problem {
  if (command === undefined || Object.hasOwn(commands, command)) return { kind: "help", command, global };
  return { kind: "unknown command", name: command, global };
}

function readCommand(
  command: string,
  spec: CommandSpec,
  reader: WordReader,
  global: OptionValues,
): Invocation | Problem {
  const options: OptionValues = {};
  const words: string[] = [];
  const specs = [...spec.options, helpOption];
  const complaint = readOptions(reader, specs, options, words, spec.stopsAtArgument === true);
  if (options.help === true) return { kind: "help", command, global };
  if (complaint !== undefined) return { kind: "bad option", command, message: complaint, global };
  for (let word = reader.next(); word !== undefined; word = reader.next()) words.push(word);
  const count = countComplaint(spec, words.length);
  if (count !== undefined) return { kind: "argument count", command, message: `"${command}" ${count}`, global };
  return { command, global, options, arguments: words };
}

function countComplaint(spec: CommandSpec, count: number): string | undefined {
  if (count >= spec.minimum && count <= spec.maximum) return undefined;
  if (spec.minimum === spec.maximum) return `requires exactly ${spec.minimum} argument(s)`;
  return count < spec.minimum
    ? `requires a minimum of ${spec.minimum} argument(s)`
    : `requires a maximum of ${spec.maximum} argument(s)`;
}

/** Hands out words one by one: an option may take the next one. */
class WordReader {
  private readonly words: readonly string[];
  private at = 0;

  constructor(words: readonly string[]) {
    this.words = words;
  }

  next(): string | undefined {
    return this.words[this.at++];
  }

  back(): void {
    this.at--;
  }
}

/**
 * Reads options into `values` and other words into `words`, up to the end, to `--`, or (`stop`) to the first word that is
 * no option. The caller reads what follows.
 *
 * @returns what is wrong, in runc's words.
 */
function readOptions(
  reader: WordReader,
  specs: readonly OptionSpec[],
  values: OptionValues,
  words: string[],
  stop: boolean,
): string | undefined {
  for (let word = reader.next(); word !== undefined; word = reader.next()) {
    if (word.length < 2 || word[0] !== "-") {
      if (!stop) {
        words.push(word);
        continue;
      }
      reader.back();
      break;
    }
    if (word === "--") break;
    const complaint = readOption(word, reader, specs, values);
    if (complaint !== undefined) return complaint;
  }
  return undefined;
}

function readOption(
  word: string,
  reader: WordReader,
  specs: readonly OptionSpec[],
  values: OptionValues,
): string | undefined {
  const start = word[1] === "-" ? 2 : 1;
  const equals = word.indexOf("=", start);
  const name = equals < 0 ? word.slice(start) : word.slice(start, equals);
  let spec: OptionSpec | undefined;
  for (const option of specs) if (option.name === name || option.short === name) spec ??= option;
  if (spec === undefined) return `flag provided but not defined: -${name}`;
  let value = equals < 0 ? undefined : word.slice(equals + 1);
  if (spec.type === "bool" && value === undefined) {
    values[spec.name] = true;
    return undefined;
  }
  value ??= reader.next();
  if (value === undefined) return `flag needs an argument: -${name}`;
  return setValue(spec, name, value, values);
}

function setValue(spec: OptionSpec, name: string, text: string, values: OptionValues): string | undefined {
  if (spec.type === "string") {
    values[spec.name] = text;
    return undefined;
  }
  if (spec.type === "list") {
    addToList(values, spec.name, text);
    return undefined;
  }
  const { parseBool, parseDuration, parseInteger } = require("./option-value.ts") as typeof import("./option-value.ts");
  const parse = spec.type === "bool" ? parseBool : spec.type === "duration" ? parseDuration : parseInteger;
  const value = parse(text);
  if (value === undefined) {
    return spec.type === "bool"
      ? `invalid boolean value "${text}" for -${name}: parse error`
      : `invalid value "${text}" for flag -${name}: parse error`;
  }
  if (spec.type === "int-list") addToList(values, spec.name, String(value));
  else values[spec.name] = value;
  return undefined;
}

function addToList(values: OptionValues, name: string, text: string): void {
  const list = values[name];
  if (Array.isArray(list)) list.push(text);
  else values[name] = [text];
}
