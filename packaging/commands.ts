import type { CommandDef } from "citty";
import { root } from "../src/cli/commands.ts";

export interface Argument {
  /** `--from`, or the name of what stands without a flag. */
  name: string;
  positional: boolean;
  /** What a flag takes, e.g. `date`; undefined for one that takes nothing. */
  value: string | undefined;
  description: string;
  default: string | undefined;
}

export interface Command {
  /** `["config", "print"]`; empty for the program itself. */
  path: readonly string[];
  description: string;
  /** By itself, too, where it has commands below it. */
  runs: boolean;
  arguments: readonly Argument[];
  commands: readonly Command[];
}

type Resolvable = Promise<object> | object | (() => Promise<object> | object) | undefined;
const settle = async (value: unknown): Promise<object> =>
  (await (typeof value === "function" ? (value as () => Resolvable)() : (value as Resolvable))) ?? {};

/** The commands as data, for the manual and the completion. */
export async function describeCommands(command: CommandDef = root, path: readonly string[] = []): Promise<Command> {
  const { description = "" } = (await settle(command.meta)) as { description?: string };
  const commands: Command[] = [];
  for (const [name, one] of Object.entries(await settle(command.subCommands)))
    commands.push(await describeCommands((await settle(one)) as CommandDef, [...path, name]));
  const described = Object.entries((await settle(command.args)) as Record<string, Described>).map(
    ([name, { type, valueHint, description = "", default: preset }]): Argument => ({
      name: type === "positional" ? name : `--${name}`,
      positional: type === "positional",
      value: type === "string" || type === "enum" ? (valueHint ?? "value") : undefined,
      // The help has lines.
      description: description.replace(/\s+/g, " "),
      default: typeof preset === "string" ? preset : undefined,
    }),
  );
  return { path, description, runs: command.run !== undefined, arguments: described, commands };
}

interface Described {
  type?: string;
  valueHint?: string;
  description?: string;
  default?: unknown;
}
