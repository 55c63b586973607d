import type { Argument, Command } from "./commands.ts";

/** What bash completes after `hikvision-sync`: commands, their flags, and files where a flag takes one. */
export function completion(root: Command): string {
  const all = flatten(root).filter(({ path }) => path.length > 0);
  const flags = all.flatMap((command) => command.arguments).filter(({ value }) => value !== undefined);
  const taking = (isFile: boolean) =>
    [...new Set(flags.filter(({ value }) => /^(file|folder)$/.test(value ?? "") === isFile).map(({ name }) => name))]
      .sort()
      .join(" | ");
  // The longest path first: `config print` before `config`.
  const cases = all
    .toSorted((a, b) => b.path.length - a.path.length)
    .map((command) => `    "${command.path.join(" ")} "*) words="${wordsOf(command)}" ;;`);
  return `# bash completion for hikvision-sync

_hikvision_sync() {
  local words= typed="\${COMP_WORDS[*]:1:COMP_CWORD-1} "
  case $3 in
    ${taking(true)})
      mapfile -t COMPREPLY < <(compgen -f -- "$2")
      return
      ;;
    ${taking(false)})
      return
      ;;
  esac
  case $typed in
${cases.join("\n")}
    " ") words="${wordsOf(root)}" ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
}

complete -o filenames -F _hikvision_sync hikvision-sync
`;
}

const wordsOf = ({ commands, arguments: own }: Command) =>
  [...commands.map(({ path }) => path.at(-1)), ...own.filter(isFlag).map(({ name }) => name), "--help"].join(" ");

const isFlag = ({ positional }: Argument) => !positional;

export const flatten = (command: Command): Command[] => [command, ...command.commands.flatMap(flatten)];
