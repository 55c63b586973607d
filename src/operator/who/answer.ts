import type { Trace } from "../../ledger/trace.ts";
import { namesIn, wholeName } from "../../people/names.ts";
import { samePerson } from "../../people/same-person.ts";
import { isBefore } from "../../people/validity.ts";
import type { Operator } from "../operator.ts";
import { codeTextIn } from "../words/codes.ts";
import type { Times } from "../words/times.ts";
import { wordsIn } from "../words/words.ts";
import { search } from "./search.ts";
import type { Upstreams } from "./upstreams.ts";
import { accessCodes, faceCodes, type Problem, whoSentence } from "./verdict.ts";
import { lookAt, type WhoView } from "./who.ts";

export type FieldName = "name" | "kib" | "face" | "access" | "validity";

/** One line of the comparison. Null where a system does not say. */
export interface FieldView {
  field: FieldName;
  eposh: string | null;
  /** Where another human being has the NIK, what HikCentral holds of that one. */
  hikcentral: string | null;
  isRight: boolean;
  /** What is known of why it is not. */
  why: string | null;
}

/** Somebody, as `who` shows it: without a NIK. */
export interface WhoAnswer {
  name: string;
  kib: string | null;
  /** Null where that cannot be known now. */
  canEnter: boolean | null;
  sentence: string;
  inducted: string | null;
  fields: FieldView[];
  problems: (Problem & { meaning: string; todo: string })[];
  traces: Trace[];
}

/** More are too many to read. */
const maxSubjects = 10;
const maxTraces = 3;

export async function whoAnswers(operator: Operator, upstreams: Upstreams, key: string, times: Times) {
  const { subjects, trouble } = await search(operator.options.ledger, upstreams, key);
  const shown = subjects.slice(0, maxSubjects);
  const views = (await Promise.all(shown.map((subject) => lookAt(operator, upstreams, subject)))).flat();
  const { who } = wordsIn(times.language);
  const note = trouble === undefined ? undefined : who.unsearched;
  const people = distinct(views).map((view) => answerOf(view, upstreams, times));
  return { people, note: people.length === 0 ? (note ?? who.nobody) : note, more: subjects.length - shown.length };
}

/** Two subjects with one NIK lead to the same people. */
const distinct = (views: readonly WhoView[]): WhoView[] => [
  ...new Map(views.map((view) => [`${view.human.name} ${view.human.kib}`, view])).values(),
];

export function answerOf(view: WhoView, upstreams: Upstreams, times: Times): WhoAnswer {
  const { human, verdict, traces } = view;
  return {
    name: human.name,
    kib: human.kib ?? null,
    canEnter: verdict.canEnter ?? null,
    sentence: whoSentence(human, verdict, times),
    inducted: human.record?.date ?? null,
    fields: fieldsOf(view, upstreams, times),
    problems: human.problems.map((problem) => {
      const { meaning = problem.code, todo = "" } = codeTextIn(problem.code, times.language) ?? {};
      return { ...problem, meaning, todo };
    }),
    traces: byRun(traces).slice(-maxTraces),
  };
}

/** A photo that follows, and a warning about others, are traces of their own. */
function byRun(traces: readonly Trace[]): Trace[] {
  return [...Map.groupBy(traces, ({ run }) => run).values()].flatMap((same) => {
    const steps = same.flatMap((one) => one.steps).sort((a, b) => (a.at < b.at ? -1 : Number(a.at > b.at)));
    return same.slice(-1).map((last) => ({ ...last, steps }));
  });
}

/** Which codes explain which field. */
const codesOf: Record<FieldName, readonly string[]> = {
  name: [],
  kib: ["no_kib", "bad_kib_number", "kib_in_use"],
  face: faceCodes,
  access: accessCodes,
  validity: [],
};

function fieldsOf({ human, at }: WhoView, { regionals }: Upstreams, times: Times): FieldView[] {
  const { record, other, wanted, problems } = human;
  const person = other ?? human.person;
  const { values } = wordsIn(times.language).who;
  const zonesIn = (groups: readonly string[]) =>
    Object.entries(regionals).flatMap(([slug, group]) =>
      groups.includes(group) ? [record?.zones.find((zone) => zone.slug === slug)?.name ?? slug] : [],
    );
  const isSame =
    !record || !person || samePerson({ ...namesIn(record.name), kib: record.kib }, person, record.birth).same;
  const groups = person?.groups;
  const row = (
    field: FieldName,
    eposh: string | null | undefined,
    hikcentral: string | null | undefined,
    agrees: boolean,
  ) => {
    const isRight = agrees && person != null && other === undefined;
    const problem = isRight ? undefined : problems.find(({ code }) => codesOf[field].includes(code));
    const why = problem ? (codeTextIn(problem.code, times.language)?.meaning ?? problem.code) : null;
    return { field, eposh: eposh ?? null, hikcentral: hikcentral ?? null, isRight, why };
  };
  return [
    row("name", record?.name || null, person && wholeName(person), isSame),
    row(
      "kib",
      record && (record.kib ?? values.none),
      person && (person.kib || values.none),
      !record?.kib || record.kib === person?.kib,
    ),
    row(
      "face",
      record && (record.photo ? values.photo : values.none),
      person && (person.hasFace ? values.face : values.none),
      person?.hasFace === true,
    ),
    row(
      "access",
      record && (record.zones.map(({ name }) => name).join(", ") || values.none),
      groups && (zonesIn(groups).join(", ") || values.none),
      groups !== undefined && groups.length > 0 && wanted.every((group) => groups.includes(group)),
    ),
    row(
      "validity",
      null,
      person && times.date(person.validUntil.slice(0, 10)),
      !person || !isBefore(person.validUntil, at.toISOString()),
    ),
  ];
}
