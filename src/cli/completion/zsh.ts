import type { CompletedCommand, CompletedOption, Words } from "./completed-commands.ts";

/** A script for zsh: a file of $fpath, or to be sourced after compinit. */
export function zshCompletion(program: string, commands: readonly CompletedCommand[]): string {
  const own = `_${program}`;
  const [before, ...others] = commands as [CompletedCommand, ...CompletedCommand[]];
  return `#compdef ${program}
# zsh completion for ${program}, made by "${program} completion zsh".

${own}_containers() {
  local -a ids
  ids=(\${(f)"$("\${program[@]}" list -q 2>/dev/null)"})
  _describe -t containers container ids
}

${own}_commands() {
  local -a commands
  commands=(
${others.map(({ name, summary }) => `    ${quoted(`${name}:${summary}`)}`).join("\n")}
  )
  _describe -t commands command commands
}

${own}() {
  local curcontext=$curcontext state line
  local -a program
  typeset -A opt_args
  program=($words[1])
  _arguments -C -S \\
${before.options.map((option) => `    ${spec(own, option)} \\`).join("\n")}
    '1:command:${own}_commands' \\
    '*::argument:->argument'
  [[ $state == argument ]] || return
  [[ -n \${opt_args[--root]} ]] && program+=(--root \${(Q)opt_args[--root]})
  curcontext=\${curcontext%:*}-$words[1]:
  case $words[1] in
${others.map((command) => commandCase(own, command)).join("\n")}
  esac
}

if [[ $funcstack[1] == ${own} ]]; then
  ${own} "$@"
else
  compdef ${own} ${program}
fi
`;
}

function commandCase(own: string, { name, options, arguments: given, stopsAtArgument }: CompletedCommand): string {
  const specs = options.map((option) => spec(own, option));
  given.forEach((words, i) => {
    const rest = stopsAtArgument && i === given.length - 1;
    specs.push(rest ? "'*::command: _normal -P'" : quoted(`${i + 1}:${what(words)}:${action(own, words)}`));
  });
  const [first = "''"] = specs;
  const lines = specs.length === 0 ? first : specs.join(" \\\n        ");
  return `    ${name})\n      _arguments -S \\\n        ${lines}\n      ;;`;
}

/** One line of _arguments: "(-b --bundle)"{-b,--bundle}"[help]:what:action". */
function spec(own: string, { names, help, value, repeats }: CompletedOption): string {
  const takes = value === undefined ? "" : `:${what(value)}:${action(own, value)}`;
  const equals = value === undefined ? "" : "=";
  const excluded = repeats ? "*" : `(${names.join(" ")})`;
  // "--x=" takes its value after an equals sign or as the next word.
  return names
    .map((name) => quoted(`${excluded}${name}${name.startsWith("--") ? equals : ""}[${escaped(help)}]${takes}`))
    .join(" ");
}

function what(words: Words): string {
  return typeof words === "string" ? words.replace(/ies$/, "y").replace(/s$/, "") : "word";
}

function action(own: string, words: Words): string {
  if (words === "containers") return `${own}_containers`;
  if (words === "directories") return "_directories";
  if (words === "files" || words === "anything") return words === "files" ? "_files" : " ";
  return `(${words.join(" ")})`;
}

/** Within the brackets of a specification. */
function escaped(text: string): string {
  return text.replace(/[[\]\\:]/g, "\\$&");
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
