import { noteAudit } from "../../ledger/audit.ts";
import type { UiOptions, View } from "../view.ts";

export type Fields = Readonly<Record<string, string>>;

/** What is shown before an action is done. */
export interface Confirm {
  title: string;
  /** What is affected and what cannot be undone. */
  texts: readonly string[];
  button: string;
  /** To be typed, where nothing can be undone. */
  typed?: string;
  isDangerous?: boolean;
  /** Where "back" leads. */
  back: string;
  /** Instead of the button: why it cannot be done. */
  refusal?: string;
  /** Choices beside the button. */
  choices?: readonly { name: string; label: string; options: readonly (readonly [value: string, label: string])[] }[];
}

export interface Done {
  text: string;
  /** Where the result is shown. */
  to: string;
}

export interface Action {
  /** Every field that its form may have; the first `required` ones must be there. */
  readonly fields: readonly string[];
  readonly required: number;
  /** Undefined where what it is about is gone. */
  confirm(options: UiOptions, view: View, fields: Fields): Promise<Confirm | undefined>;
  run(options: UiOptions, view: View, fields: Fields): Promise<Done | undefined>;
}

/** The audit takes no longer text. */
const longest = 300;

/** Keeps for the security officer and the HSE desk who did what; false where it cannot. */
export function audit(
  { operator }: UiOptions,
  { session }: View,
  entry: { action: string; what: string; result: string },
): boolean {
  const short = (text: string) => (text.length > longest ? `${text.slice(0, longest)}…` : text);
  const { action, what, result } = entry;
  const { ledger } = operator.options;
  const at = ledger.now().toISOString();
  return noteAudit(ledger.rows, { at, who: session.name, action, what: short(what), result: short(result) });
}

/** The fields of a form or an address, each at most once; undefined where there are others. */
export function fieldsOf(sent: URLSearchParams, { fields, required }: Action): Fields | undefined {
  const names = [...sent.keys()];
  if (new Set(names).size < names.length || names.some((name) => !fields.includes(name))) return undefined;
  if (fields.slice(0, required).some((name) => (sent.get(name) ?? "").trim() === "")) return undefined;
  return Object.fromEntries([...sent].map(([name, value]) => [name, value.trim()]));
}
