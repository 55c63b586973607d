import { setTimeout as sleep } from "node:timers/promises";
import type { BriefPerson, ShownPerson } from "../../people/types.ts";
import { type Page, pageSize } from "../api.ts";
import { Hashes } from "./hashes.ts";
import { freshMs } from "./recent-numbers.ts";
import type { Glance, RecentPersons } from "./recent-persons.ts";

export interface DirectoryOptions {
  readonly recent: RecentPersons;
  /** Undefined where the partner may not read it. */
  readonly page: (pageNo: number) => Promise<Page<ShownPerson> | undefined>;
  /** Of a list whose first page was read. */
  readonly briefPage: (pageNo: number) => Promise<Page<BriefPerson>>;
  readonly now: () => number;
}

/** For fewer people a list is not worth its call. */
const minGlances = 10;
/** While people keep coming the next list is read before the last one is too old. */
const renewAfterMs = 45_000;
/** A list that takes longer is too old soon after it is there. */
const maxReadMs = 30_000;
/** A list that takes longer is not waited for. */
const patienceMs = 5_000;
const restAfterFailureMs = 600_000;
/** A page is some MB of garbage: many in a row come faster than it is collected, and a daemon of 120 MB takes 10 more. */
const minPageMs = 50;
/** How many persons there will be is HikCentral's word. */
const maxRoom = 200_000;
/** For a list of a hundred thousand and more: all pauses together. */
const maxPausesMs = 10_000;

/**
 * All persons of HikCentral as its list shows them, 500 a call, for at most a minute. It is read once as many single
 * reads were needed as the list takes calls, so that both together never cost more than twice the better of the two.
 * What it shows only says that nothing needs doing, and only to runs that began before the list was asked for:
 * whatever somebody changed in HikCentral before a run is seen by the run.
 */
export class PersonDirectory implements Disposable {
  readonly #options: DirectoryOptions;
  /** When the last whole list was asked for. */
  #listedAt = Number.NEGATIVE_INFINITY;
  #tookMs = 0;
  #mayReadAt = Number.NEGATIVE_INFINITY;
  /** How many persons HikCentral has, as the last page said, and those that were added since. */
  total = 0;
  #reading: Promise<void> | undefined;
  /** Since the last list was asked for; `known` are those whom a list shows, or this daemon itself. */
  #glances = { answered: 0, missed: 0, known: 0, at: 0 };
  #cleaning: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  get isFresh(): boolean {
    return this.#options.now() - this.#listedAt < freshMs;
  }

  /** As of `since` or later; undefined where nothing is known: ask HikCentral. */
  glance(personCode: string, since: Date): Glance | undefined {
    const { recent, now } = this.#options;
    if (now() - this.#glances.at >= freshMs) this.#glances = { answered: 0, missed: 0, known: 0, at: 0 };
    this.#glances.at = now();
    const person = recent.glance(personCode, since.getTime());
    const isListed = this.isFresh && this.#listedAt >= since.getTime();
    const isKnown = recent.has(personCode);
    if (isKnown) this.#glances.known++;
    const answer = this.isFresh && (person || (isListed && !isKnown)) ? { person } : undefined;
    if (answer) this.#glances.answered++;
    // Whom this list cannot answer for, e.g. because of a write, the next one need not either, unless this one is brief.
    else if (!isListed || recent.isListBrief) this.#glances.missed++;
    if (this.#isWorthIt())
      this.#reading = this.#read(this.#glances.answered + this.#glances.missed).finally(() => {
        this.#reading = undefined;
      });
    return answer;
  }

  /** Whether a list was being read and is there now: many who come at once need not all be read singly meanwhile. */
  async listed(): Promise<boolean> {
    if (this.#reading === undefined) return false;
    await Promise.race([this.#reading, sleep(patienceMs, undefined, { ref: false })]);
    return this.isFresh;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#cleaning);
    this.#mayReadAt = Number.POSITIVE_INFINITY;
  }

  get #renewAfterMs(): number {
    // The next one may take twice as long as the last.
    return Math.min(renewAfterMs, freshMs - 2 * this.#tookMs);
  }

  get #enough(): number {
    return Math.max(minGlances, pagesOf(this.total));
  }

  #isWorthIt(): boolean {
    const now = this.#options.now();
    if (this.#reading !== undefined || now < this.#mayReadAt) return false;
    const { missed, answered } = this.#glances;
    const enough = this.#enough;
    return missed >= enough || (answered >= enough && now - this.#listedAt >= this.#renewAfterMs);
  }

  /** Ends after the first page where that shows that all of them cost more than `wanted` single reads. */
  async #read(wanted: number): Promise<void> {
    const { recent, page, briefPage, now } = this.#options;
    const listedAt = now();
    // Where almost all who come are new, nobody asks for those who are there.
    const isBrief = this.isFresh && this.#glances.known < this.#enough;
    this.#glances = { answered: 0, missed: 0, known: 0, at: listedAt };
    const begin = (room: number) => {
      recent.beginList({ isBrief, room });
      return new Hashes({ room });
    };
    let shown: Hashes | undefined;
    try {
      for (let pageNo = 1, all = Number.POSITIVE_INFINITY; ; pageNo++) {
        const askedAt = now();
        const startedAt = performance.now();
        const read = await (pageNo === 1 || recent.keepsListed ? page(pageNo) : briefPage(pageNo));
        if (read === undefined) throw new Error("the partner may not read it");
        const { list, total } = read;
        this.total = total;
        if (pageNo === 1 && pagesOf(total) > wanted) {
          this.#glances.missed += wanted;
          return;
        }
        // Without it nobody can be found in it.
        if (list.some(({ personCode }) => personCode === "")) throw new Error("it shows no personCode");
        shown ??= begin(Math.min(total, maxRoom));
        const before = shown.size;
        recent.noteListed(list, askedAt);
        for (const { personId } of list) shown.add(personId);
        // Who is added meanwhile need not be in it.
        all = Math.min(all, total);
        if (shown.size >= all) break;
        if (shown.size === before) throw new Error("it ends too soon");
        if (now() - listedAt > maxReadMs) throw new Error("it takes too long");
        const pageMs = Math.min(minPageMs, maxPausesMs / pagesOf(total));
        const leftMs = startedAt + pageMs - performance.now();
        if (leftMs > 0) await sleep(leftMs, undefined, { ref: false });
      }
      recent.endList();
      this.#listedAt = listedAt;
      this.#tookMs = now() - listedAt;
      clearTimeout(this.#cleaning);
      this.#cleaning = setTimeout(() => recent.forgetOld(), 2 * freshMs);
      this.#cleaning.unref();
    } catch {
      if (shown) recent.abandonList();
      // Whatever it was, everybody is read singly, and that says what is wrong.
      this.#mayReadAt = Math.max(this.#mayReadAt, now() + restAfterFailureMs);
    }
  }
}

const pagesOf = (persons: number) => Math.ceil(persons / pageSize);
