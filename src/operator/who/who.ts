import { setTimeout as sleep } from "node:timers/promises";
import { codeOf } from "../../errors.ts";
import { recordMarkOf } from "../../ledger/cases/record.ts";
import type { DeadLetter } from "../../ledger/dead-letter-index.ts";
import type { Trace } from "../../ledger/trace.ts";
import { namesIn, wholeName } from "../../people/names.ts";
import { readRemark } from "../../people/remark.ts";
import { samePerson } from "../../people/same-person.ts";
import type { Person } from "../../people/types.ts";
import type { Operator } from "../operator.ts";
import { datesOf, type EposhRecord, recordsOf, type Subject, sameName } from "./record.ts";
import { codeByName } from "./search.ts";
import type { Upstreams } from "./upstreams.ts";
import { type Human, type Problem, type Verdict, verdictOf } from "./verdict.ts";

/** What is not answered by then is told as not known. */
const patienceMs = 1_500;
/** An Eposh that has not answered by then is not waited for before HikCentral is asked. */
const hurryMs = 500;
/** HikCentral is asked late where Eposh was slow: the page still comes within 2 s. */
const lateMs = 400;

export interface WhoView {
  human: Human;
  verdict: Verdict;
  traces: Trace[];
  /** The live state was read at. */
  at: Date;
  isEposhKnown: boolean;
}

/** Everybody who is meant by a subject: two human beings under one NIK are two, the one asked for first. */
export async function lookAt(operator: Operator, upstreams: Upstreams, subject: Subject): Promise<WhoView[]> {
  const { ledger } = operator.options;
  const at = ledger.now();
  const { read, code, person } = await readBoth(operator, upstreams, subject);
  const records = latestOfEach(read ?? []);
  const isThatOne = (name: string, kib: string | undefined, birth: EposhRecord["birth"]) =>
    person != null && samePerson({ ...namesIn(name), kib }, person, birth).same;

  const seen: Pick<Human, "name" | "kib" | "record" | "person" | "other">[] = records.map((record) => {
    const isSame = isThatOne(record.name, record.kib, record.birth);
    const of = { name: record.name || "–", kib: record.kib, record };
    if (person == null || isSame) return { ...of, person, other: undefined };
    return { ...of, person: undefined, other: person };
  });
  if (person && !seen.some((one) => one.person))
    seen.push({ name: wholeName(person), kib: person.kib || undefined, record: undefined, person, other: undefined });
  // Of whom Eposh gives no record now, what is in hand is all that is known.
  if (
    subject.name &&
    !seen.some(({ name }) => sameName(name, subject.name)) &&
    !isThatOne(subject.name, subject.kib, "unknown")
  )
    seen.push({
      name: subject.name,
      kib: subject.kib,
      record: undefined,
      person: person === null ? null : undefined,
      other: person ?? undefined,
    });
  if (seen.length === 0 && (subject.kib !== undefined || person === null))
    seen.push({
      name: "–",
      kib: subject.kib,
      record: undefined,
      person: person === null ? null : undefined,
      other: undefined,
    });

  const isMeant = ({ name, kib }: { name: string; kib: string | undefined }) =>
    sameName(name, subject.name) || (kib !== undefined && kib === subject.kib);
  return seen
    .sort((a, b) => Number(isMeant(b)) - Number(isMeant(a)))
    .map((one) => {
      const traces = tracesOf(operator, code, one, seen.length);
      const human: Human = {
        ...one,
        isUnread: person === undefined && code === undefined && read === undefined,
        wanted: one.record?.zones.flatMap(({ slug }) => groupOf(upstreams, slug) ?? []) ?? [],
        problems: problemsOf(operator, subject, one, seen.length),
        waits: traces.some(({ run, where }) => run === traces.at(-1)?.run && where.startsWith("waiting")),
        handsOff: handsOffIn(one.person, upstreams),
      };
      return { human, verdict: verdictOf(human, at), traces, at, isEposhKnown: read !== undefined };
    });
}

interface Read {
  /** Undefined where Eposh does not answer. */
  read: EposhRecord[] | undefined;
  code: string | undefined;
  person: Live | undefined | null;
}

/** The NIK is Eposh's to tell; where Eposh is slow or away, HikCentral is asked for the name meanwhile. */
async function readBoth(operator: Operator, upstreams: Upstreams, subject: Subject): Promise<Read> {
  const { ledger } = operator.options;
  const startedAt = performance.now();
  const signal = AbortSignal.timeout(patienceMs);
  const reading = readRecords(operator, upstreams, subject, signal);
  const early = subject.code ?? (await Promise.race([reading, sleep(hurryMs, undefined, { ref: false })]));
  const find = async (): Promise<string | undefined> =>
    typeof early === "string" ? early : early ? codeIn(early) : codeByName(ledger, upstreams, subject, signal);
  const readEarly = async () => {
    const code = await find();
    return { code, person: code === undefined ? undefined : await readPerson(upstreams, code, signal) };
  };
  const [read, found] = await Promise.all([reading, readEarly()]);
  const late = found.code === undefined ? codeIn(read ?? []) : undefined;
  if (late === undefined) return { read, ...found };
  const leftMs = Math.max(lateMs, patienceMs - (performance.now() - startedAt));
  return { read, code: late, person: await readPerson(upstreams, late, AbortSignal.timeout(leftMs)) };
}

const codeIn = (records: readonly EposhRecord[]) => records.find(({ code }) => code !== undefined)?.code;

/** Of two people under one NIK each has what happened to records with the own KIB number. */
function tracesOf(operator: Operator, code: string | undefined, { kib }: Pick<Human, "kib">, humans: number): Trace[] {
  const traces = operator.trace(code ?? kib ?? "");
  if (humans === 1) return traces;
  return traces.filter(({ steps }) => steps.some((step) => step.kib === kib));
}

const groupOf = ({ regionals }: Upstreams, slug: string) =>
  Object.hasOwn(regionals, slug) ? regionals[slug] : undefined;

/** Undefined where Eposh does not answer. */
async function readRecords(
  { options: { ledger } }: Operator,
  { eposh }: Upstreams,
  subject: Subject,
  signal: AbortSignal,
): Promise<EposhRecord[] | undefined> {
  const key = (code: string) => ledger.personKey(code);
  const pages = eposh.for(signal);
  const dates = datesOf(ledger, subject);
  try {
    return (await Promise.all(dates.map((date) => recordsOf(pages, subject, date, key)))).flat();
  } catch {
    return undefined;
  }
}

/** One for each human being, the later date first. */
function latestOfEach(records: readonly EposhRecord[]): EposhRecord[] {
  const kept: EposhRecord[] = [];
  for (const one of [...records].sort((a, b) => b.date.localeCompare(a.date)))
    if (
      !kept.some(
        ({ name, kib }) =>
          samePerson({ ...namesIn(name), kib }, { ...namesIn(one.name), kib: one.kib }, "unknown").same,
      )
    )
      kept.push(one);
  return kept;
}

type Live = NonNullable<Human["person"]>;

/** Null where HikCentral does not answer; its groups are undefined where the partner may not read them, or one is late. */
async function readPerson(upstreams: Upstreams, code: string, signal: AbortSignal): Promise<Live | undefined | null> {
  const calls = upstreams.hikcentral.for(signal);
  try {
    const person: Person | undefined = await calls.personByCode(code);
    if (person === undefined) return undefined;
    const asked = [...new Set(Object.values(upstreams.regionals))];
    const missing = (thrown: unknown) => (codeOf(thrown) === "privilege_group_missing" ? false : undefined);
    const isIn = await Promise.all(asked.map((group) => calls.inGroup(group, person.personId).catch(missing)));
    const isUnknown = isIn.includes(undefined) && !isIn.includes(true);
    const groups = isUnknown ? undefined : asked.filter((_, at) => isIn[at]);
    return { ...person, kib: calls.kibOf(person), groups };
  } catch {
    return null;
  }
}

/** Dead letters of the record, and the warnings since the person was last written, each cause once. */
function problemsOf(
  { options: { ledger, mask } }: Operator,
  { person }: Subject,
  one: Pick<Human, "name" | "kib" | "record">,
  humans: number,
): Problem[] {
  /** A name alone is that of others too: it counts where there is nothing else. */
  const isNamed = ({ name, kib }: DeadLetter) =>
    kib !== undefined && one.kib !== undefined ? kib === one.kib : sameName(name, one.name);
  const isOwn = (letter: DeadLetter) => {
    if (person === undefined || letter.person === undefined) return isNamed(letter);
    return letter.person === person && (humans === 1 || isNamed(letter));
  };
  const letters = ledger.deadLetters
    .select({})
    .filter(isOwn)
    .map(({ code, text, stage }) => ({ code, text: mask(text), stage, isDead: true }));
  const warnings = ledger.rows<{ code: string; text: string; stage: string; kib: string | null }>(
    `select code, text, stage, kib from events e where person = ?1 and outcome = 'warning'
     and at >= coalesce((select fetched from latest where person = ?1 and stage = 'create-person'), '') group by code`,
    person ?? "",
  );
  const awaited = ledger.rows<(typeof warnings)[number]>(
    "select code, text, stage, kib from cases where person = ? and closed is null and awaited",
    person ?? "",
  );
  const own = [...warnings, ...awaited].filter(({ kib }) => humans === 1 || kib === (one.kib ?? null));
  // A record that an operator found wrong is an open case no more, and keeps its employee out all the same.
  const { name, kib, code } = one.record ?? { name: "", kib: undefined, code: undefined };
  const mark = recordMarkOf({ name, identity_number: code, kib_number: kib });
  const refused = ledger.rows<Pick<Problem, "code" | "text" | "stage">>(
    "select code, text, stage from cases where record = ? and why = 'decided'",
    ledger.cases.marksOf(mark).record,
  );
  const all = [...letters, ...own.map(({ code, text, stage }) => ({ code, text: mask(text), stage, isDead: false }))];
  all.push(...refused.map((problem) => ({ ...problem, text: mask(problem.text), isDead: true })));
  return all.filter(({ stage, code }, at) => all.findIndex((one) => one.stage === stage && one.code === code) === at);
}

function handsOffIn(person: Human["person"], { handsOff }: Upstreams): string | undefined {
  if (!person) return undefined;
  const text = readRemark(person.remark).text.toLowerCase();
  return handsOff.find((word) => text.includes(word.toLowerCase()));
}
