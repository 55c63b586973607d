import type { Clients } from "../clients.ts";
import type { Config } from "../config/load.ts";
import { codeOf, isReject, Retry, Unavailable } from "../errors.ts";
import { createOptionalReads } from "../hikcentral/setup-check.ts";
import { backoff } from "../util/backoff.ts";
import { type Compared, type Difference, noKib, type Recall, type Recalled } from "./difference.ts";
import { type Expected, expectedFrom } from "./expected.ts";
import { type Finding, judge, missingFrom } from "./judge.ts";
import { type LookOptions, otherPictures, promptLooks } from "./photo-looks.ts";
import { SiteLists } from "./site-lists.ts";

export interface Comparison {
  /** Different NIKs at Eposh. */
  employees: number;
  /** How many agree, by what was compared. What Eposh does not give counts as agreeing. */
  agree: Record<Compared, number>;
  differences: Difference[];
  /** Records that cannot be a person: no NIK or no name. */
  unusable: number;
  /** Persons whose access was not compared, because the partner may not read group members. */
  unchecked: number;
  /** Whether it was looked who else is in HikCentral. */
  isWhole: boolean;
  /** Members of our privilege groups without our note who are no difference, by NIK; undefined where not all are shown. */
  members: string[] | undefined;
}

/** A read that fails for now is tried again; after a quarter of a minute in all it is given up. */
const maxFailures = 5;
/** Of one question to the ledger. */
const maxAsked = 1_000;

export interface CompareOptions {
  dates: readonly string[];
  /** Only these KIB numbers, and nobody else in HikCentral. */
  kib?: readonly string[] | undefined;
  signal: AbortSignal;
  /** Undefined where no ledger can be asked: then changed photos and unknown members are not found. */
  recall?: Recall | undefined;
  /** Told of passing failures and of what is not compared, each text once. */
  say?: (text: string) => void;
  onPerson?: (done: number, of: number) => void;
  /** Of asking for the photos: how much, and who is told of it. */
  looks?: Partial<Pick<LookOptions, "limits" | "note">>;
  /** Whom one short list does not show is looked for in a second one, also where no record misses him. */
  areMembersSure?: boolean;
  now?: Date;
}

/**
 * Eposh against HikCentral, from lists of 500 persons; what they show to be missing or wrong is confirmed by a single
 * read. Changes nothing. Rejects when a failure persists.
 */
export async function compare(
  { hikcentral, eposh, photos }: Pick<Clients, "hikcentral" | "eposh" | "photos">,
  { regionals, guard, hikcentral: { concurrency } }: Pick<Config, "regionals" | "guard" | "hikcentral">,
  {
    dates,
    kib,
    signal,
    recall = recallNothing,
    say = () => {},
    onPerson,
    looks,
    areMembersSure = false,
    now = new Date(),
  }: CompareOptions,
): Promise<Comparison> {
  const said = new Set<string>();
  const once = (text: string) => {
    if (!said.has(text)) say(text);
    said.add(text);
  };
  async function patiently<Data>(read: () => Promise<Data>): Promise<Data> {
    for await (const failures of backoff({ firstMs: 500, maxMs: 8_000, signal })) {
      try {
        return await read();
      } catch (error) {
        const passes = error instanceof Retry || (error instanceof Unavailable && error.reason === "outage");
        if (!passes || failures === maxFailures) throw error;
        once(`${error.message}; trying again`);
      }
    }
    throw signal.reason;
  }

  const { people, unusable } = await expectedFrom(eposh.for(signal), { regionals, dates, kib, patiently });
  const remembered = await rememberedOf([...people.values()], recall);
  const looking = { photos, limits: promptLooks, signal, ...looks };
  for (const [code, otherPicture] of await otherPictures(people.values(), remembered, looking))
    remembered.set(code, { ...remembered.get(code), otherPicture });

  const optional = createOptionalReads({ info: once, warn: once });
  /** Undefined where the partner may not read them. */
  async function membersOf(group: string): Promise<Set<string> | undefined> {
    const read = async () => {
      const ids = new Set<string>();
      for await (const page of hikcentral.reads(signal).groupMembers(group)) for (const { id } of page) ids.add(id);
      return ids;
    };
    return await patiently(() => optional("the members of privilege groups", read)).catch((error) => {
      if (codeOf(error) !== "not_found") throw error;
      once(`HikCentral has no privilege group ${group}`);
      return new Set<string>();
    });
  }
  const members = new Map<string, Set<string> | undefined>();
  const wanted = kib ? [...people.values()].flatMap(({ groups }) => [...groups.keys()]) : Object.values(regionals);
  const again = new Map<string, Promise<Set<string> | undefined>>();
  /** One list may be short: who is missing in it is no member once a second one agrees. */
  async function lookAgain(group: string): Promise<void> {
    const second = await again.getOrInsertComputed(group, membersOf);
    members.set(group, second && members.get(group)?.union(second));
  }
  for (const group of new Set(wanted)) {
    members.set(group, await membersOf(group));
    if (areMembersSure) await lookAgain(group);
  }

  const calls = hikcentral.for(signal);
  const personByCode = (code: string) => patiently(() => calls.personByCode(code));
  const { kibOf } = calls;
  const agree = { person: 0, face: 0, kib: 0, access: 0, validity: 0 };
  const differences: Difference[] = [];
  let [done, unchecked] = [0, 0];
  const judged = (person: Parameters<typeof judge>[0], employee: Expected) =>
    judge(person, employee, remembered.get(employee.personCode) ?? {}, {
      kibOf,
      members,
      now,
      handsOff: guard.handsOff,
    });
  const confirmed = async (person: Parameters<typeof judge>[0], employee: Expected) => {
    const missing = person ? missingFrom(employee, person, members) : [];
    await Promise.all(missing.map(lookAgain));
    return judged(person, employee);
  };
  const note = ({ personCode, kib = noKib, name, date, record }: Expected, findings: readonly Finding[]) => {
    for (const { isRight, ...finding } of findings) {
      if (isRight) agree[finding.what]++;
      else differences.push({ personCode, kib, name, date, record, ...finding });
    }
    const isPerson = findings.length > 1;
    if (isPerson && !findings.some(({ what }) => what === "access")) unchecked++;
    onPerson?.(++done, people.size);
  };

  /** Those who are not yet known to be right. */
  const left = new Map(people);
  const lists = new SiteLists(people, members, kibOf);
  const readPersons = async () => {
    for await (const page of hikcentral.reads(signal).persons())
      for (const person of page) {
        lists.add(person);
        const employee = left.get(person.personCode);
        const findings = employee && judged(person, employee);
        if (!employee || !findings?.every(({ isRight }) => isRight)) continue;
        left.delete(person.personCode);
        note(employee, findings);
      }
    return true;
  };
  const readAll = () => patiently(() => optional("the list of persons", readPersons));
  // All persons of a large site are not read for a few employees.
  const isWhole = kib === undefined && (await readAll()) === true;
  if (isWhole && areMembersSure && !lists.showAllMembers()) await readAll();

  const waiting = left.values();
  const worker = async () => {
    for (const employee of waiting) {
      const findings = await personByCode(employee.personCode).then(
        (person) => confirmed(person, employee),
        (error): Finding[] => {
          if (!isReject(error)) throw error;
          const { message: text, code } = error;
          return [{ what: "person", code, isRight: false, text, canBeFixed: false }];
        },
      );
      note(employee, findings);
    }
  };
  await Promise.all(Array.from({ length: 2 * concurrency }, worker));

  const result = { employees: people.size, agree, differences, unusable, unchecked, isWhole };
  if (!isWhole) return { ...result, members: undefined };
  const hasOtherKib = new Set(differences.flatMap(({ what, personCode }) => (what === "kib" ? [personCode] : [])));
  for (const one of await lists.sharedKibs({ personByCode })) {
    differences.push(one);
    // A missing person agrees in nothing.
    if (people.has(one.personCode) && one.code === "kib_in_use" && !hasOtherKib.has(one.personCode)) agree.kib--;
  }
  differences.push(...(await lists.twins({ personByCode })));
  if ([...members.values()].some((ids) => ids === undefined)) return { ...result, members: undefined };
  const { known, unknown, hasMembers } = await lists.membersBy((asked) => inParts(asked, recall));
  if (!hasMembers) return { ...result, members: [...known, ...unknown] };
  differences.push(...(await lists.unmatched(unknown, { membersOf, personByCode })));
  return { ...result, members: known };
}

const recallNothing: Recall = async (asked) => ({ hasMembers: false, persons: asked.map(() => ({})) });

async function rememberedOf(people: readonly Expected[], recall: Recall): Promise<Map<string, Recalled>> {
  const asked = people.map(({ personCode: code, photo }) => ({ code, photo }));
  const { persons } = await inParts(asked, recall);
  return new Map(people.map(({ personCode }, at) => [personCode, persons[at] ?? {}]));
}

/** n.b. One question at least, because the answer tells more than the persons. */
const inParts: (asked: Parameters<Recall>[0], recall: Recall) => ReturnType<Recall> = async (asked, recall) => {
  const persons: Recalled[] = [];
  let hasMembers = false;
  for (let at = 0; at === 0 || at < asked.length; at += maxAsked) {
    const part = await recall(asked.slice(at, at + maxAsked));
    persons.push(...part.persons);
    hasMembers = part.hasMembers;
  }
  return { hasMembers, persons };
};
