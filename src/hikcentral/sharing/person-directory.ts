import type { Person } from "../../people/types.ts";
import { type Page, pageSize } from "../api.ts";
import { freshMs, type Glance, maxPersons, type RecentPersons } from "./recent-persons.ts";

export interface DirectoryOptions {
  readonly recent: RecentPersons;
  /** Undefined where the partner may not read it. */
  readonly page: (pageNo: number) => Promise<Page<Person> | undefined>;
  readonly now: () => number;
}

/** For fewer people a list is not worth its call. */
const minGlances = 10;
/** While people keep coming the next list is read before the last one is too old. */
const renewAfterMs = 45_000;
const restAfterFailureMs = 600_000;

/**
 * All persons of HikCentral as its list shows them, 500 a call, for at most a minute. It is read once as many single
 * reads have been asked for within a minute as the list takes calls, so that it never costs more than twice the better
 * of the two. What it shows only says that nothing needs doing; without a list everybody is read singly.
 */
export class PersonDirectory implements Disposable {
  readonly #options: DirectoryOptions;
  /** When the last whole list was asked for. */
  #listedAt = Number.NEGATIVE_INFINITY;
  #mayReadAt = Number.NEGATIVE_INFINITY;
  /** How many persons HikCentral has, as the last page said, and those that were added since. */
  total = 0;
  #isReading = false;
  #glances = { since: 0, count: 0, before: 0 };
  #cleaning: ReturnType<typeof setTimeout> | undefined;

  constructor(options: DirectoryOptions) {
    this.#options = options;
  }

  get isFresh(): boolean {
    return this.#options.now() - this.#listedAt < freshMs;
  }

  /** Undefined where nothing is known: ask HikCentral. */
  glance(personCode: string): Glance | undefined {
    const wanted = this.#count();
    if (this.#isWorthIt(wanted)) void this.#read(wanted);
    const { recent } = this.#options;
    const person = recent.glance(personCode);
    return this.isFresh && (person || !recent.has(personCode)) ? { person } : undefined;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#cleaning);
    this.#mayReadAt = Number.POSITIVE_INFINITY;
  }

  /** How many were looked for within the last minute or two. */
  #count(): number {
    const { now } = this.#options;
    const { since, count } = this.#glances;
    const ageMs = now() - since;
    if (ageMs >= freshMs) this.#glances = { since: now(), count: 0, before: ageMs < 2 * freshMs ? count : 0 };
    this.#glances.count++;
    return this.#glances.count + this.#glances.before;
  }

  #isWorthIt(wanted: number): boolean {
    const now = this.#options.now();
    if (this.#isReading || now < this.#mayReadAt || now - this.#listedAt < renewAfterMs) return false;
    return this.total <= maxPersons && wanted >= Math.max(minGlances, pagesOf(this.total));
  }

  /** Ends after the first page where that shows that all of them cost more than `wanted` single reads. */
  async #read(wanted: number): Promise<void> {
    const { recent, page, now } = this.#options;
    this.#isReading = true;
    const listedAt = now();
    try {
      for (let pageNo = 1, seen = 0; ; pageNo++) {
        const askedAt = now();
        const read = await page(pageNo);
        if (read === undefined) throw new Error("the partner may not read it");
        const { list, total } = read;
        this.total = total;
        if (total > maxPersons || pagesOf(total) > wanted) return;
        // Without it nobody can be found in it.
        if (list.some(({ personCode }) => personCode === "")) throw new Error("it shows no personCode");
        for (const person of list) recent.noteListed(person, askedAt);
        seen += list.length;
        if (seen >= total) break;
        if (list.length === 0) throw new Error("it ends too soon");
      }
      this.#listedAt = listedAt;
      clearTimeout(this.#cleaning);
      this.#cleaning = setTimeout(() => recent.forgetOld(), 2 * freshMs);
      this.#cleaning.unref();
    } catch {
      // Whatever it was, everybody is read singly, and that says what is wrong.
      this.#mayReadAt = Math.max(this.#mayReadAt, now() + restAfterFailureMs);
    } finally {
      this.#isReading = false;
    }
  }
}

const pagesOf = (persons: number) => Math.ceil(persons / pageSize);
