/** Where a code can be met. `journal`: only there and in a trace, because it holds up no employee. */
export type Kind = "pause" | "dead letter" | "warning" | "journal";

/** Where a cure can lie, and what has to be corrected there. */
export const cures = {
  record: "the employee's record in Eposh",
  setup: "the configuration, or the settings and rights in HikCentral",
  platform: "an upstream, the network, a machine or a program",
} as const;
export type Cure = keyof typeof cures;

/** The texts are whole sentences; what a reader types or configures stands between backticks. */
export interface CodeEntry {
  readonly meaning: string;
  readonly todo: string;
  readonly cure: Cure;
  /** It says something about one message alone, although its cure does not lie in the record. */
  readonly isOfOne?: true;
  readonly kinds: readonly [Kind, ...Kind[]];
}

export type CodeEntries = Readonly<Record<string, CodeEntry>>;
