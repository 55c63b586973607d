import type { Outcome } from "../errors.ts";
import type { PersonRef } from "../people/types.ts";

/** "follow" is work on a person that no run waits for; "task" is what has no employee in it: a date to fetch. */
export type SubjectKind = "person" | "follow" | "page" | "task";

/** What a message is about. */
export interface Subject {
  kind: SubjectKind;
  /** The NIK, which the ledger keeps only as a keyed hash. */
  code: string | undefined;
  kib: string | undefined;
}

export const subjectOf = (person: PersonRef | undefined): Subject => ({
  kind: person === undefined ? "task" : "person",
  code: person?.code,
  kib: person?.kib,
});

/** How a stage ended that ran to its end; what a cancelled run leaves behind is none. */
export interface StageEnd {
  /** The codes of its warnings. */
  readonly warned: readonly string[];
  /** Stages that could have followed, and that it did not hand the message over to. */
  readonly notFollowed: readonly string[];
  /** What the person lacks until such a stage, which has the message now, has done its work. */
  readonly goesOn: readonly { readonly stage: string; readonly code: string }[];
}

/** `replayed` and `dropped` are what an operator did to a dead letter. */
export type TraceOutcome = Exclude<Outcome, "requeued"> | "warning" | "replayed" | "dropped";

/** One thing that happened to one message or employee. */
export interface Entry extends Subject {
  run: string | undefined;
  /** The message's `hs-id`. */
  item: string;
  stage: string;
  outcome: TraceOutcome;
  at: Date;
  attempt: number;
  fetchedAt: Date | undefined;
  /** Of a task: of a whole fetch of that date, whose counts agreed. */
  inducted?: string | undefined;
  repeat?: number | undefined;
  failure?: { code: string; text: string };
  /** Of what is tried again: what the person lacks meanwhile, since the message was first seen. */
  lacks?: { code: string; text: string; since: Date } | undefined;
  /** Tells the record from all others (cases/record.ts). */
  record?: string | undefined;
  /** The employee's, which is only kept in memory. */
  name?: string | undefined;
  /** Of a record that is sent on: what is the same while nothing in it matters that has changed. */
  mark?: string | undefined;
  /** Of such a record: the link of its photo, as far as it stays the same. */
  photo?: string | undefined;
  /** At the last stage. */
  isThrough?: boolean;
  /** Of a stage that ran to its end. */
  end?: StageEnd;
  /** Its dead letter was there already, so this one was not published. */
  isKnownLetter?: boolean;
}
