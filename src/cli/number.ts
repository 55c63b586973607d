import { Exit, exits } from "../errors.ts";

/** A flag that takes a whole number, 0 to `max`. */
export function numberOf(flag: string, args: Readonly<Record<string, unknown>>, max = 1_000_000): number {
  const value = Number(args[flag]);
  if (Number.isInteger(value) && value >= 0 && value <= max && args[flag] !== "") return value;
  throw new Exit(exits.usage, `--${flag} must be a whole number from 0 to ${max}`);
}
