import type { Ledger } from "../../ledger/ledger.ts";
import { cleanName, wholeName } from "../../people/names.ts";
import { usableNikOf } from "../../people/nik.ts";
import { plain, type Subject, sameName } from "./record.ts";
import type { Upstreams } from "./upstreams.ts";

/** How long HikCentral's search may take. */
const patienceMs = 1_500;
const shortest = 2;

export type { Subject };
export interface Found {
  subjects: Subject[];
  /** Why HikCentral could not be asked for a name. */
  trouble?: unknown;
}

/** By KIB, by NIK, else by name: in HikCentral, and in the open problems for whoever is not there. */
export async function search(ledger: Ledger, upstreams: Upstreams, key: string): Promise<Found> {
  const byKib = subjectsOfKib(ledger, key);
  if (byKib.length > 0) return { subjects: byKib };
  const code = usableNikOf(key);
  if (code !== undefined) return { subjects: subjectsOfNik(ledger, code) };
  if (key.length < shortest || !/\p{L}/u.test(key)) return { subjects: [] };
  const inHand = subjectsInHand(ledger, key);
  try {
    const persons = await upstreams.hikcentral.reads(AbortSignal.timeout(patienceMs)).personsByName(cleanName(key));
    const there = persons
      .map((person): Subject => {
        const { personCode: code } = person;
        return { code, person: ledger.personKey(code), name: wholeName(person), kib: kibOfPerson(ledger, code) };
      })
      .filter(({ name = "" }) => isNamed(name, key));
    return { subjects: distinct([...there, ...inHand]) };
  } catch (trouble) {
    return { subjects: inHand, trouble };
  }
}

/** Whoever a case is about. */
export function subjectOfCase({ rows }: Ledger, { name, kib }: Pick<Subject, "name" | "kib">): Subject {
  const find = "select person from seen where kib = ? and person is not null order by at desc limit 1";
  const person = rows<{ person: string }>(find, kib ?? "")[0]?.person;
  return { name, kib, person, code: undefined };
}

/** Each word of the key is in the name, however either writes its quotes and accents. */
function isNamed(name: string, key: string): boolean {
  const words = plain(key).split(" ");
  return words.every((word) => plain(name).includes(word));
}

/** The NIK of somebody whom only HikCentral can tell: found by name, known by its keyed hash. */
export async function codeByName(
  ledger: Ledger,
  { hikcentral }: Upstreams,
  { person, name }: Subject,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (person === undefined) return undefined;
  const asked = name ?? nameOf(ledger, person);
  if (asked === undefined) return undefined;
  const found = await hikcentral
    .reads(signal)
    .personsByName(cleanName(asked))
    .catch(() => []);
  return found.find(({ personCode }) => ledger.personKey(personCode) === person)?.personCode;
}

/** As HikCentral had it when the KIB number was set. */
function nameOf({ rows }: Ledger, person: string): string | undefined {
  const [row] = rows<{ name: string | null }>("select name from kibs where person = ?", person);
  return row?.name ?? undefined;
}

function distinct(subjects: readonly Subject[]): Subject[] {
  const kept: Subject[] = [];
  // n.b. Of several without a usable NIK none has a person.
  const isSame = (a: Subject, b: Subject) =>
    sameName(a.name, b.name) && (a.kib === b.kib || (a.person !== undefined && a.person === b.person));
  for (const one of subjects) if (!kept.some((other) => isSame(one, other))) kept.push(one);
  return kept;
}

/** Everybody who has or had that number, and whoever failed with it. */
function subjectsOfKib({ rows }: Ledger, kib: string): Subject[] {
  const persons = rows<{ person: string; name: string | null }>(
    `select e.person, k.name from (select distinct person from seen where kib = ?1 and person is not null) e
     left join kibs k on k.person = e.person and k.kib = ?1`,
    kib,
  );
  const letters = rows<{ name: string | null }>("select distinct name from dead_letters where kib = ?", kib);
  const named = persons.map(({ person, name }): Subject => ({ person, code: undefined, name: name ?? undefined, kib }));
  const failed = letters.map(({ name }): Subject => {
    const own = persons.length === 1 ? persons[0]?.person : undefined;
    return { person: own, code: undefined, name: name ?? undefined, kib };
  });
  const isNew = (one: Subject) =>
    !named.some(({ name, person }) => person === one.person && (!name || sameName(name, one.name)));
  const withNames = named.map((one) =>
    one.name === undefined && failed.length === 1 ? { ...one, name: failed[0]?.name } : one,
  );
  return [...withNames, ...failed.filter(isNew)];
}

function subjectsOfNik(ledger: Ledger, code: string): Subject[] {
  const person = ledger.personKey(code);
  return [{ person, code, name: undefined, kib: undefined }];
}

/** Whoever has an open problem: perhaps not in HikCentral at all. */
function subjectsInHand({ rows }: Ledger, key: string): Subject[] {
  const letters = rows<{ name: string; kib: string | null; person: string | null }>(
    `select distinct name, kib, (select person from seen e where e.kib = d.kib and e.run = d.run and person is not null
       limit 1) person from dead_letters d where name is not null`,
  );
  return letters
    .filter(({ name }) => isNamed(name, key))
    .map(({ name, kib, person }) => ({ name, kib: kib ?? undefined, person: person ?? undefined, code: undefined }));
}

function kibOfPerson(ledger: Ledger, code: string): string | undefined {
  const find = "select kib from kibs where person = ?";
  return ledger.rows<{ kib: string }>(find, ledger.personKey(code))[0]?.kib;
}
