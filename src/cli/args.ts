import { type LocalConfig, type ReadOptions, readConfig } from "../config/load.ts";
import { Exit, exits } from "../errors.ts";
import { showStacks } from "./exit.ts";
import { mask } from "./output.ts";

const description = "configuration file (/etc/hikvision-sync/config.toml)";
export const configArgument = { config: { type: "string", valueHint: "file", description } } as const;
export const jsonArgument = { json: { type: "boolean", description: "print JSON" } } as const;

const applyLogSettings = <Loaded extends { config: LocalConfig; secrets: string[] }>(loaded: Loaded): Loaded => {
  mask.hide(loaded.secrets);
  showStacks(loaded.config.log.level === "debug");
  return loaded;
};
/** For commands that call Eposh or HikCentral. Exit 78 names every problem. */
export const loadConfig = (args: { config?: string | undefined }, options: ReadOptions = {}) =>
  applyLogSettings(readConfig({ ...options, file: args.config }));
/** For commands that call only the daemon, or read its state folder. */
export const loadLocalConfig = (args: { config?: string | undefined }, options: ReadOptions = {}) =>
  applyLogSettings(readConfig({ ...options, file: args.config, required: false }));

/** A flag that takes a whole number. */
export function numberOf(
  flag: string,
  args: Readonly<Record<string, unknown>>,
  { min = 0, max = 1_000_000 } = {},
): number {
  const value = Number(args[flag]);
  if (Number.isInteger(value) && value >= min && value <= max && args[flag] !== "") return value;
  throw new Exit(exits.usage, `--${flag} must be a whole number from ${min} to ${max}`);
}
