/** `paas completion bash|zsh`: a script for the shell, made from the commands themselves. */

import type { Command } from "commander";
import { wrongUsage } from "./failure.ts";
import { print } from "./terminal.ts";

export function addCompletionCommand(program: Command): void {
  program.command("completion")
    .description('print what completes commands when you press Tab: eval "$(paas completion bash)"')
    .argument("<shell>", "bash or zsh")
    .action((wanted: string) => {
      if (wanted === "bash") print(bash(program));
      else if (wanted === "zsh") print(zsh(program));
      else throw wrongUsage(`There is completion for bash and zsh, not for ${wanted}.`);
    });
}

type Completed = { name: string; description: string; options: string[] };

function commandsOf(program: Command): Completed[] {
  const commands = program.createHelp().visibleCommands(program);
  return commands.map((command) => ({ name: command.name(), description: command.description(), options: command.options.flatMap(({ long, short }) => [long, short].filter((option) => option !== undefined && option !== null)) }));
}

function bash(program: Command): string {
  const commands = commandsOf(program);
  return `_paas() {
  local word=\${COMP_WORDS[COMP_CWORD]} line=\${COMP_LINE:0:COMP_POINT}
  # Colons part words in bash, and are part of the names of commands here.
  local words=($line)
  [[ $line == *" " ]] && words+=("")
  local last=\${words[\${#words[@]}-1]}
  if (( \${#words[@]} <= 2 )); then
    COMPREPLY=($(compgen -W "${commands.map(({ name }) => name).join(" ")}" -- "$last"))
  else
    case "\${words[1]}" in
${commands.map(({ name, options }) => `      ${name}) COMPREPLY=($(compgen -W "${options.join(" ")}" -- "$last")) ;;`).join("\n")}
      *) COMPREPLY=() ;;
    esac
  fi
  if [[ $last == *:* && $COMP_WORDBREAKS == *:* ]]; then
    local prefix=\${last%"\${last##*:}"}
    COMPREPLY=("\${COMPREPLY[@]#"$prefix"}")
  fi
}
complete -o default -F _paas paas`;
}

function zsh(program: Command): string {
  const escaped = (text: string): string => text.replaceAll("'", "'\\''").replaceAll(":", "\\:");
  const commands = commandsOf(program);
  return `#compdef paas
_paas() {
  local -a commands
  commands=(
${commands.map(({ name, description }) => `    '${escaped(name)}:${escaped(description)}'`).join("\n")}
  )
  if (( CURRENT == 2 )); then
    _describe command commands
    return
  fi
  case $words[2] in
${commands.map(({ name, options }) => `    ${name}) compadd -- ${options.join(" ")} ;;`).join("\n")}
  esac
  _files
}
compdef _paas paas`;
}
