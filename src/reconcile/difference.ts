import type { FailureCode } from "../errors/codes.ts";
import type { RememberedSource } from "../ledger/photos/sources.ts";

/** Something that HikCentral does not show as Eposh says, or shows of somebody whom Eposh does not know. */
export interface Difference {
  /** `member`: somebody unknown has access. */
  what: "person" | "face" | "kib" | "access" | "validity" | "member";
  code: FailureCode;
  personCode: string;
  kib: string;
  name: string;
  text: string;
  /** The induction date of the last record; "" of a person whom no record of the compared dates explains. */
  date: string;
  /** Tells the record from all others. */
  record: string;
  /** An ordinary run of that date puts it right: somebody or something is missing, and no human decides about it. */
  canBeFixed: boolean;
}

/** What is compared of an employee. */
export type Compared = Exclude<Difference["what"], "member">;

/** In place of a KIB number that is not there. */
export const noKib = "none";

/** What the ledger remembers of a person, which no list shows. */
export interface Recalled {
  /** The latest induction date that was written. */
  lastInducted?: string | undefined;
  /** Eposh has another photo of the employee than when the record was written last. */
  hasOtherPhoto?: boolean | undefined;
  /** The mark of the picture that is behind the photo link. */
  picture?: string | undefined;
  /** What the photo link, or the same one with another signature, gave when it was asked last. */
  source?: RememberedSource | undefined;
  /** The mark of another picture that is behind the photo link by now. */
  otherPicture?: string | undefined;
  /** Privilege groups that we granted and that HikCentral has lost, because it was restored to a backup. */
  lost?: readonly string[] | undefined;
  /** The person was met in a record, or was a member before. */
  isKnown?: boolean | undefined;
}

export interface Asked {
  code: string;
  /** The link of the photo. */
  photo?: string | undefined;
}

/** In the order in which was asked. `hasMembers`: it was noted before who is in the privilege groups. */
export interface Recollection {
  hasMembers: boolean;
  persons: readonly Recalled[];
}

/** Asks the ledger, where there is one. */
export type Recall = (asked: readonly Asked[]) => Promise<Recollection>;
