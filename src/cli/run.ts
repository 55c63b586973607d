import { parseArgs, stripVTControlCharacters } from "node:util";
import { type CommandDef, renderUsage, runCommand } from "citty";
import { Exit, exits } from "../errors.ts";
import { closest } from "../util/closest.ts";
import { visible } from "../util/text/visible.ts";
import { print } from "./output.ts";

type Resolvable<T> = T | Promise<T> | (() => T) | (() => Promise<T>);
const settle = async <T extends object>(value: Resolvable<T> | undefined): Promise<T | undefined> =>
  typeof value === "function" ? (value as () => T | Promise<T>)() : value;

const misspelt = (what: string, word: string, candidates: string[], path: string[]): Exit => {
  const like = closest(word, candidates);
  return new Exit(
    exits.usage,
    `unknown ${what} ${visible(word)}: ${like ? `did you mean ${like}?` : `see ${path.join(" ")} --help`}`,
  );
};

/**
 * Runs the command that a line names. Resolves to the exit code that the command returns, else 0.
 * Exit 64 for what citty accepts silently: unknown words and flags, missing values, too many arguments.
 */
export async function runLine(root: CommandDef, line: readonly string[]): Promise<number> {
  const path = [(await settle(root.meta))?.name ?? ""];
  let command = root;
  const rest = /^(--version|-v)$/.test(line.join(" ")) ? ["version"] : [...line];
  for (let word = rest[0]; word !== undefined && !word.startsWith("-"); word = rest[0]) {
    const commands = (await settle(command.subCommands)) ?? {};
    if (Object.keys(commands).length === 0) break;
    if (!Object.hasOwn(commands, word)) throw misspelt("command", word, Object.keys(commands), path);
    command = (await settle<CommandDef>(commands[word])) ?? command;
    path.push(word);
    rest.shift();
  }
  const usage = async () => {
    const text = await renderUsage(command, { meta: { name: path.slice(0, -1).join(" ") } });
    // citty lists every command here, far beyond 80 columns; they follow one to a line.
    const short = text.replace(/(?:[a-z]+\|){6,}[a-z]+/, "COMMAND");
    return Bun.enableANSIColors ? short : stripVTControlCharacters(short);
  };
  if (rest.includes("--help") || rest.includes("-h")) {
    print(await usage());
    return exits.ok;
  }
  if (!command.run && rest.length === 0) throw new Exit(exits.usage, await usage());
  await checkArguments(command, path, rest);
  try {
    const { result } = await runCommand(command, { rawArgs: rest });
    return typeof result === "number" ? result : exits.ok;
  } catch (error) {
    // citty's own: a required flag is missing, or a value is not in its list.
    if (!(error instanceof Error) || error.name !== "CLIError") throw error;
    throw new Exit(exits.usage, `${visible(stripVTControlCharacters(error.message))}; see ${path.join(" ")} --help`);
  }
}

async function checkArguments(command: CommandDef, path: string[], rest: string[]): Promise<void> {
  const known = Object.entries((await settle(command.args)) ?? {});
  const positionals = known.filter(([, { type }]) => type === "positional");
  const flags: Record<string, { type: "string" | "boolean"; short?: string }> = {};
  for (const [name, { type, ...more }] of known) {
    if (type === "positional") continue;
    const short = "alias" in more && typeof more.alias === "string" ? { short: more.alias } : {};
    flags[name] = { type: type === "boolean" ? "boolean" : "string", ...short };
  }
  const { tokens } = parseArgs({ args: rest, options: flags, strict: false, tokens: true });
  const takesMany = positionals.some(([, argument]) => "valueHint" in argument && argument.valueHint?.endsWith("…"));
  let words = 0;
  for (const token of tokens) {
    if (token.kind === "positional" && ++words > positionals.length && !takesMany)
      throw new Exit(exits.usage, `unexpected argument ${visible(token.value)}: see ${path.join(" ")} --help`);
    if (token.kind !== "option") continue;
    const negated = token.rawName.startsWith("--no-") ? flags[token.name.slice("no-".length)] : undefined;
    const flag = flags[token.name] ?? (negated?.type === "boolean" ? negated : undefined);
    if (!flag)
      throw misspelt(
        "flag",
        token.rawName,
        [...Object.keys(flags), "help"].map((name) => `--${name}`),
        path,
      );
    const isMissing = !token.value || (!token.inlineValue && token.value.startsWith("-"));
    if (flag.type === "string" && isMissing) throw new Exit(exits.usage, `${token.rawName} requires a value`);
    if (flag.type === "boolean" && token.value !== undefined)
      throw new Exit(exits.usage, `${token.rawName} takes no value`);
  }
  const missing = positionals.slice(words).find(([, { required }]) => required !== false);
  if (missing) throw new Exit(exits.usage, `${missing[0]} is missing: see ${path.join(" ")} --help`);
}
