import { Exit, exits } from "../errors.ts";

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
