import type { Human } from "./humans.ts";

/** What stands at Eposh of one of the two humans, perhaps with the NIK of the other one. */
export interface EposhRecord {
  readonly human: Human;
  readonly nikOf: Human;
  readonly spelling: number;
  readonly picture: number;
  /** Which of the human's zones. */
  readonly zones: readonly number[];
  readonly date: number;
  kib: string;
}

/** What the model knows of a person in HikCentral. */
export interface Known {
  /** All data of the person must stay this human's. */
  readonly human: Human;
  /** Set by a human at HikCentral, and none of our business. */
  phone: string;
  readonly ownGroups: Set<string>;
  /** Group → the latest induction for which it was granted. */
  readonly granted: Map<string, number>;
  /** Group that a human took away → the induction for which it had been granted. */
  readonly taken: Map<string, number>;
  /** The latest induction that went through. */
  inducted: number;
  /** Whether a human ended the validity. */
  isEnded: boolean;
  /** Everything about the person when a human wrote BLOCKED into the remark. */
  blocked: string | undefined;
}
