import type { Face, KibHolder, Person, ShownPerson } from "../people/types.ts";
import type { InGroupOptions } from "./sharing/group-members.ts";
import type { Glance } from "./sharing/recent-persons.ts";

export interface NewPerson {
  personCode: string;
  givenName: string;
  familyName: string;
  gender: 0 | 1 | 2;
  organisation: string;
  remark: string;
  validFrom: string;
  validUntil: string;
  face?: Face;
}

export type PersonChanges = Partial<Pick<Person, "givenName" | "familyName" | "remark" | "validFrom" | "validUntil">>;

/**
 * HikCentral, one function for each call. All of them share one concurrency limit, wait for the set-up check before the
 * first write (a wrong set-up holds back only the calls that need it), and fail with `Retry`, `Reject` or `Unavailable`; the codes are in error-codes.ts. A transport failure is
 * repeated up to 3 times where that is safe (everything but `addPerson`).
 */
export interface HikCentral {
  /** Undefined when HikCentral knows no such person, or the partner may not see it. */
  personByCode(personCode: string): Promise<Person | undefined>;
  /**
   * The same without asking where this daemon read or wrote the person within the last minute, or where a list of that
   * age shows a person that `suffices`. Not for an update.
   */
  recentPerson(personCode: string, suffices?: (listed: ShownPerson) => boolean): Promise<ShownPerson | undefined>;
  /**
   * What a list of HikCentral's persons, a read or a write, at most a minute old and not before `since`, show without a
   * call; undefined where there is none. Waits up to 5 s for a list that is being read. Good for finding that nothing
   * needs doing. Somebody whom a list does not show may be there all the same.
   */
  glance(personCode: string, since: Date): Promise<Glance | undefined>;
  /** The new personId. Rejects with code `already_exists`; a lost answer is a Retry with code `answer_lost`. */
  addPerson(person: NewPerson): Promise<string>;
  /** Sends back everything that was read, with the changes. */
  updatePerson(person: Person, changes: PersonChanges): Promise<void>;
  updateFace(personId: string, face: Face): Promise<void>;
  /** Whether HikCentral shows a picture; true where it does not show the person. Gathers several into one call where it can. */
  hasFace(personCode: string): Promise<boolean>;
  /** The value of the configured KIB field, "" where it is empty. */
  kibOf(person: ShownPerson): string;
  setKib(personId: string, kib: string): Promise<void>;
  /** The present name of a person who had the KIB number and has it still; also where the partner may not search. */
  holderOf(kib: string, holder: KibHolder): Promise<string | undefined>;
  /**
   * Gathers concurrent calls into one of at most 20 ids a group, until a permit is free for it; each caller gets its own
   * answer. Rejects with `privilege_group_missing` where HikCentral has no such group.
   */
  addToGroup(groupId: string, personId: string): Promise<void>;
  /**
   * Whether HikCentral shows the membership; undefined where the partner may not read it. Read at most once a minute a
   * group, and once more where somebody who is not shown must surely be none.
   */
  inGroup(groupId: string, personId: string, options?: InGroupOptions): Promise<boolean | undefined>;
  /** Asks for the access of these persons to be downloaded to the devices. Gathers up to 100 persons. */
  applyAccess(personId: string): Promise<void>;
}
