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

/**
 * The members of privilege groups. A list is read at most once a minute, and a second one only for who must be sure.
 * Whom this daemon added is in no group when it first asks: where all are new, no list is read.
 */
export class GroupMembers {
  readonly #options: GroupMembersOptions;
  readonly #known = new Map<string, Members>();
  /** personId → when this daemon added the person, of those about whom nobody has asked since. */
  readonly #addedAt: RecentNumbers;
  /** personId, and group and personId → when it was first asked about one who was added, and when it was asked last. */
  readonly #askedAt: RecentNumbers;

  constructor(options: GroupMembersOptions) {
    this.#options = options;
    this.#addedAt = new RecentNumbers(options.now, newForMs);
    this.#askedAt = new RecentNumbers(options.now);
  }

  /** Undefined where the partner may not read it. `wait` waits for what all share. */
  async isIn(
    groupId: string,
    personId: string,
    wait: (work: Promise<boolean>) => Promise<boolean>,
    { isSure = false }: InGroupOptions,
  ): Promise<boolean | undefined> {
    if (this.#isNewTo(groupId, personId)) return false;
    const members = this.#membersOf(groupId);
    let isRead = await wait(this.#read("first", groupId, members));
    if (isSure && isRead && !members.ids.has(personId)) isRead = await wait(this.#read("second", groupId, members));
    return members.ids.has(personId) || (isRead ? false : undefined);
  }

  added(groupId: string, personIds: readonly string[]): void {
    const known = this.#fresh(groupId);
    if (known) for (const id of personIds) known.ids.add(id);
    else this.#known.delete(groupId);
  }

  /** After a restore HikCentral gives its numbers again: whoever had this one is not there any more. */
  newcomer(personId: string): void {
    for (const { ids } of this.#known.values()) ids.delete(personId);
    this.#addedAt.set(personId, this.#options.now());
  }

  /** True once for each group: whoever is asked about again may be in it meanwhile. */
  #isNewTo(groupId: string, personId: string): boolean {
    const [now, asked] = [this.#options.now(), `${groupId} ${personId}`];
    if (now - (this.#addedAt.get(personId) ?? Number.NEGATIVE_INFINITY) < newForMs) this.#askedAt.set(personId, now);
    this.#addedAt.delete(personId);
    const firstAt = this.#askedAt.get(personId) ?? Number.NEGATIVE_INFINITY;
    if (now - firstAt >= freshMs || (this.#askedAt.get(asked) ?? Number.NEGATIVE_INFINITY) >= firstAt) return false;
    this.#askedAt.set(asked, now);
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
