import type { CompletedCommand, CompletedOption, Words } from "./completed-commands.ts";

/** A script for fish, to be sourced or put into a completions directory. */
export function fishCompletion(program: string, commands: readonly CompletedCommand[]): string {
  const own = `__${program}`;
  const before = commands[0]!;
  const valued = before.options.filter(({ value }) => value !== undefined).flatMap(({ names }) => names);
  const lines = commands.flatMap((command) => commandLines(program, command));
  const summaries = commands.slice(1).map((command) => commandName(program, command));
  return `# fish completion for ${program}, made by "${program} completion fish".

# The words before the cursor: the command, then its arguments, without options and, before the command, their values.
function ${own}_words
    set -l words (commandline -opc)
    set -e words[1]
    set -l skip no
    for word in $words
        if test $skip = yes
            set skip no
        else if contains -- $word ${valued.join(" ")}
            set skip yes
        else if not string match -q -- '-*' $word
            echo $word
        end
    end
end

# True when the command is one of these; without any, when there is no command yet.
function ${own}_in
    set -l words (${own}_words)
    if test (count $argv) = 0
        test (count $words) = 0
    else
        test (count $words) -gt 0; and contains -- $words[1] $argv
    end
end

# True when the command is $argv[1] and has $argv[2] arguments so far.
function ${own}_at
    set -l words (${own}_words)
    test (count $words) = (math $argv[2] + 1); and test $words[1] = $argv[1]
end

function ${own}_containers
    set -l words (commandline -opc)
    set -l root
    for i in (seq (count $words))
        if string match -q -- '--root=*' $words[$i]
            set root $words[$i]
        else if test $words[$i] = --root; and test $i -lt (count $words)
            set root --root=$words[(math $i + 1)]
        end
    end
    $words[1] $root list -q 2>/dev/null
end

complete -c ${program} -f
${[...summaries, ...lines].join("\n")}
`;
}

function commandName(program: string, { name, summary }: CompletedCommand): string {
  return `complete -c ${program} -n __${program}_in -a ${name} -d ${quoted(summary)}`;
}

function commandLines(program: string, command: CompletedCommand): string[] {
  const condition = quoted(`__${program}_in ${command.name}`.trimEnd());
  const options = command.options.map((option) => `complete -c ${program} -n ${condition} ${flags(program, option)}`);
  if (command.name === "") return options;
  const given = command.arguments.map(
    (words, i) => `complete -c ${program} -n '__${program}_at ${command.name} ${i}' ${offered(program, words)}`,
  );
  return [...options, ...given];
}

function flags(program: string, { names, help, value }: CompletedOption): string {
  const named = names.map((name) => (name.startsWith("--") ? `-l ${name.slice(2)}` : `-s ${name.slice(1)}`)).join(" ");
  const takes = value === undefined ? "" : ` ${isFile(value) ? "-r" : "-x"} ${offered(program, value)}`;
  return `${named}${takes} -d ${quoted(help)}`;
}

function offered(program: string, words: Words): string {
  if (words === "containers") return `-a '(__${program}_containers)'`;
  if (words === "directories") return `-a '(__fish_complete_directories (commandline -ct))'`;
  if (isFile(words)) return "-F";
  return `-a ${quoted(words.join(" "))}`;
}

/** Whatever is not known may be a file. */
function isFile(words: Words): words is "files" | "anything" {
  return words === "files" || words === "anything";
}

function quoted(text: string): string {
  return `'${text.replace(/[\\']/g, "\\$&")}'`;
}
