import type { CompletedCommand, CompletedOption, Words } from "./completed-commands.ts";

/**
 * A script for bash, to be sourced: it defines the completion of `program`.
 *
 * bash splits `--root=DIR` into three words (COMP_WORDBREAKS), of which "=" is one.
 */
export function bashCompletion(program: string, commands: readonly CompletedCommand[]): string {
  const own = `_${program}`;
  return `# bash completion for ${program}, made by "${program} completion bash".

# What an option's value may be: COMMAND OPTION. Fails when the option has none.
${own}_value() {
  case $1/$2 in
${commands.flatMap(({ name, options }) => options.filter(hasValue).map((option) => valueCase(name, option))).join("\n")}
    *) return 1 ;;
  esac
}

# COMMAND → its options
${own}_options() {
  case $1 in
${commands.map(({ name, options }) => `    '${name}') echo '${options.flatMap(({ names }) => names).join(" ")}' ;;`).join("\n")}
  esac
}

# What an argument may be: COMMAND NUMBER, from 0 on.
${own}_argument() {
  case $1/$2 in
${commands.flatMap((command) => command.arguments.map((words, i) => `    ${command.name}/${i}) echo ${kind(words)} ;;`)).join("\n")}
${commands
  .filter(isWrapper)
  .map(({ name }) => `    ${name}/*) echo ANYTHING ;;`)
  .join("\n")}
  esac
}

${own}_offer() {
  case $1 in
    CONTAINERS) COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" "\${root[@]}" list -q 2>/dev/null)" -- "$cur")) ;;
    DIRECTORIES) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -d -- "$cur")) ;;
    FILES) compopt -o filenames 2>/dev/null; COMPREPLY=($(compgen -f -- "$cur")) ;;
    ANYTHING) compopt -o default 2>/dev/null ;;
    *) COMPREPLY=($(compgen -W "$*" -- "$cur")) ;;
  esac
}

${own}() {
  local IFS=$' \\t\\n' cur=\${COMP_WORDS[COMP_CWORD]} command= option= count=0 ended= word i offered
  local -a root=()
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=\${COMP_WORDS[i]}
    if [[ -n $option ]]; then
      [[ $word == = ]] && continue
      [[ $option == --root ]] && root=(--root "$word")
      option=
    elif [[ $word == -- && -z $ended ]]; then
      ended=yes
    elif [[ $word == -* && -z $ended ]]; then
      ${own}_value "$command" "$word" >/dev/null && option=$word
    elif [[ -z $command ]]; then
      command=$word
    else
      ((count++))
      case $command in ${
        commands
          .filter(isWrapper)
          .map(({ name }) => name)
          .join("|") || "''"
      }) ended=yes ;; esac
    fi
  done
  if [[ -n $option ]]; then
    [[ $cur == = ]] && cur=
    ${own}_offer $(${own}_value "$command" "$option")
  elif [[ $cur == -* && -z $ended ]]; then
    ${own}_offer $(${own}_options "$command")
  else
    offered=$(${own}_argument "$command" "$count")
    [[ -n $offered ]] && ${own}_offer $offered
  fi
}

complete -F ${own} ${program}
`;
}

function hasValue({ value }: CompletedOption): boolean {
  return value !== undefined;
}

function isWrapper({ name, stopsAtArgument }: CompletedCommand): boolean {
  return stopsAtArgument && name !== "";
}

function valueCase(command: string, { names, value }: CompletedOption): string {
  return `    ${names.map((name) => `${command}/${name}`).join("|")}) echo ${kind(value!)} ;;`;
}

/** As the scripts' own functions name it: a word in capitals, or the words themselves. */
function kind(words: Words): string {
  return typeof words === "string" ? words.toUpperCase() : words.join(" ");
}
