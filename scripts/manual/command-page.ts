import { prose } from "../../src/cli/command-prose.ts";
import { type CommandSpec, helpOption, type OptionSpec } from "../../src/cli/command-table.ts";
import { bold, example, heading, italic, item, type PageName, paragraph, plain, section } from "./roff.ts";

/** runts-COMMAND.8 */
export function commandPage(page: PageName, command: string, spec: CommandSpec): string {
  const { description = [], examples = [] } = prose[command] ?? {};
  const words = spec.usage.split(" ").filter((word) => word !== "");
  const usage = words.map((word) => italic(word.replace(/^<(.*)>$/, "$1"))).join(" ");
  const synopsis = `.PP\n${bold("runts")} [${italic("global options")}] ${bold(command)} [${italic("options")}] ${usage}`;
  return [
    heading(page),
    section("NAME", `${plain(page.name)} \\- ${plain(spec.summary)}\n`),
    section("SYNOPSIS", `${synopsis.trimEnd()}\n`),
    section("DESCRIPTION", description.map(paragraph).join("")),
    section("OPTIONS", options([...spec.options, helpOption])),
    section(
      "EXAMPLES",
      examples.map(([purpose, line]) => paragraph(`${purpose}:`) + example(`runts ${line}`)).join(""),
    ),
    section("SEE ALSO", `.PP\n${reference("runts")}\n`),
  ].join("");
}

export function options(list: readonly OptionSpec[]): string {
  return list
    .filter(({ hidden }) => !hidden)
    .map(({ name, short, value, help }) => {
      const names = short === undefined ? [`--${name}`] : [`--${name}`, `-${short}`];
      return item(names, value, sentence(help));
    })
    .join("");
}

/** As a manual has it: a capital letter and a full stop. */
export function sentence(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}

export function reference(name: string): string {
  return `${bold(name)}(8)`;
}
