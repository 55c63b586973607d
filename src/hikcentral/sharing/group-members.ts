import { Hashes } from "./hashes.ts";
import { freshMs, RecentNumbers } from "./recent-numbers.ts";

export interface GroupMembersOptions {
  /** Reads the list of a group into `ids`; false where the partner may not read it. */
  readonly read: (groupId: string, ids: Hashes) => Promise<boolean>;
  readonly now: () => number;
}

export interface InGroupOptions {
  /** False only where two lists agree: one alone may be short. */
  readonly isSure?: boolean;
  /** Whom this daemon just added is in no group, the first time that it is asked so. */
  readonly mayBeNew?: boolean;
}

interface Members {
  readonly readAt: number;
  /** Whom one of the lists shows, and those who were added since. */
  readonly ids: Hashes;
  /** Whether the partner may read them. */
  first?: Promise<boolean>;
  second?: Promise<boolean>;
}

/** A person who was added waits so long for the stage that grants, at most. */
const newForMs = 600_000;
/** It asks about all groups of a person at once. */
const askingMs = 5_000;

/**
 * The members of privilege groups. A list is read at most once a minute, and a second one only for who must be sure.
 * Whom this daemon added is taken for a member of none: where all are new, no list is read. Where HikCentral itself adds
 * new persons to a group, it refuses grants of twenty, which are then made singly: after the first that list is read.
 */
export class GroupMembers {
  readonly #options: GroupMembersOptions;
  readonly #known = new Map<string, Members>();
  /** personId → when this daemon added the person, of those about whom nobody has asked since. */
  readonly #addedAt: RecentNumbers;
  /** personId → when the first group of such a person was asked for. */
  readonly #firstAskedAt: RecentNumbers;
  /** Group and personId → when it was said that the person is new to it. */
  readonly #newToAt: RecentNumbers;
  /** Group → when it had a new person already. */
  readonly #surprisedAt = new Map<string, number>();

  constructor(options: GroupMembersOptions) {
    this.#options = options;
    this.#addedAt = new RecentNumbers(options.now, newForMs);
    this.#firstAskedAt = new RecentNumbers(options.now, askingMs);
    this.#newToAt = new RecentNumbers(options.now, askingMs);
  }

  /** Undefined where the partner may not read it. `wait` waits for what all share. */
  async isIn(
    groupId: string,
    personId: string,
    wait: (work: Promise<boolean>) => Promise<boolean>,
    { isSure = false, mayBeNew = false }: InGroupOptions,
  ): Promise<boolean | undefined> {
    if (mayBeNew && !isSure && this.#isNewTo(groupId, personId)) return false;
    const members = this.#membersOf(groupId);
    let isRead = await wait(this.#read("first", groupId, members));
    if (isSure && isRead && !members.ids.has(personId)) isRead = await wait(this.#read("second", groupId, members));
    return members.ids.has(personId) || (isRead ? false : undefined);
  }

  /** n.b. Noted without a list too: the next one that is read may lag behind. */
  added(groupId: string, personIds: readonly string[]): void {
    const { ids } = this.#membersOf(groupId);
    for (const id of personIds) ids.add(id);
  }

  /** Somebody was in the group already. */
  surprised(groupId: string): void {
    this.#surprisedAt.set(groupId, this.#options.now());
  }

  /** After a restore HikCentral gives its numbers again: whoever had this one is not there any more. */
  newcomer(personId: string): void {
    for (const { ids } of this.#known.values()) ids.delete(personId);
    this.#addedAt.set(personId, this.#options.now());
  }

  /** True once for each group: whoever is asked about again may be in it meanwhile. */
  #isNewTo(groupId: string, personId: string): boolean {
    const now = this.#options.now();
    const isWithin = (at: number | undefined, ms: number) => at !== undefined && now - at < ms;
    if (isWithin(this.#addedAt.get(personId), newForMs)) this.#firstAskedAt.set(personId, now);
    this.#addedAt.delete(personId);
    const firstAskedAt = this.#firstAskedAt.get(personId);
    if (!isWithin(firstAskedAt, askingMs) || isWithin(this.#surprisedAt.get(groupId), newForMs)) return false;
    const key = `${groupId} ${personId}`;
    if ((this.#newToAt.get(key) ?? Number.NEGATIVE_INFINITY) >= (firstAskedAt ?? now)) return false;
    this.#newToAt.set(key, now);
    return true;
  }

  #membersOf(groupId: string): Members {
    const known = this.#fresh(groupId);
    if (known) return known;
    const fresh = { readAt: this.#options.now(), ids: new Hashes() };
    this.#known.set(groupId, fresh);
    return fresh;
  }

  #fresh(groupId: string): Members | undefined {
    const known = this.#known.get(groupId);
    return known && this.#options.now() - known.readAt < freshMs ? known : undefined;
  }

  /** One that failed is told, and tried again. */
  #read(which: "first" | "second", groupId: string, members: Members): Promise<boolean> {
    members[which] ??= this.#options.read(groupId, members.ids).catch((thrown: unknown) => {
      delete members[which];
      throw thrown;
    });
    return members[which];
  }
}
