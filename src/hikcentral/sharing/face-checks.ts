import type { BriefPerson, Person } from "../../people/types.ts";
import type { Caller } from "../../util/caller.ts";
import type { Page, PageBody } from "../api.ts";
import { createBatcher } from "./batcher.ts";
import type { PersonDirectory } from "./person-directory.ts";

export interface FaceCheckOptions {
  readonly directory: Pick<PersonDirectory, "isFresh" | "total">;
  readonly page: (body: () => PageBody, caller: Caller) => Promise<Page<BriefPerson>>;
  readonly personByCode: (personCode: string, caller: Caller) => Promise<Person | undefined>;
  readonly now: () => number;
}

const pageSize = 100;
/** Half of the people whom create-person has in progress: with all of them in one check the permits would lie idle. */
const maxChecked = 16;
const maxPages = 3;
const singlyForMs = 600_000;

/**
 * Whether HikCentral has stored the faces of persons that were just added: while many are added, one page at the end of
 * its list shows several of them. n.b. No order of that list is documented: where new persons do not stand at its end,
 * each one is read singly.
 */
export function createFaceChecks({ directory, page, personByCode, now }: FaceCheckOptions) {
  const stored = new Map<string, boolean>();
  let singlyUntil = Number.NEGATIVE_INFINITY;
  const note = (personCode: string, person: BriefPerson | undefined) => stored.set(personCode, person?.hasFace ?? true);

  const check = createBatcher({
    max: maxChecked,
    async run(_, codes, caller) {
      const read: number[] = [];
      const missing = () => codes().filter((code) => !stored.has(code));
      do {
        let pageNo = 1;
        const { list, total } = await page(() => {
          const last = Math.max(1, Math.ceil(directory.total / pageSize));
          pageNo = read.includes(last) ? Math.min(...read) - 1 : last;
          // n.b. The batch takes nobody more from here on: the page shows those who were added before.
          codes();
          return { pageNo, pageSize };
        }, caller);
        read.push(pageNo);
        directory.total = total;
        const wanted = new Set(codes());
        for (const person of list) if (wanted.has(person.personCode)) note(person.personCode, person);
        if (pageNo === 1) break;
      } while (missing().length > 1 && read.length < maxPages);
      const left = missing();
      if (left.length > 1 && left.length === codes().length) singlyUntil = now() + singlyForMs;
      await Promise.all(left.map(async (code) => note(code, await personByCode(code, caller))));
    },
  });

  return async (personCode: string, caller: Caller): Promise<boolean> => {
    stored.delete(personCode);
    if (!directory.isFresh || now() < singlyUntil) note(personCode, await personByCode(personCode, caller));
    else await check("", personCode, caller);
    const isStored = stored.get(personCode) ?? true;
    stored.delete(personCode);
    return isStored;
  };
}
