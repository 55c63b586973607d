import type { Latest } from "./items/latest.ts";
import type { Rows } from "./schema.ts";
import type { Entry } from "./subjects.ts";

/** Of the employees whom Eposh lists as inducted on a date: how far each one got, in numbers of people. */
export interface Funnel {
  inducted: number;
  person: number;
  face: number;
  kib: number;
  access: number;
  /** With a face and access. */
  canEnter: number;
}

/** Warnings after which a person is without something; the ones of a record end with the next record that passes. */
export const lacking = {
  face: "no_photo photo_host_not_allowed face_refused face_not_stored photo_missing photo_unusable".split(" "),
  kib: "no_kib bad_kib_number kib_field_missing".split(" "),
  access: "no_regionals taken_away_in_hikcentral".split(" "),
};

const steps = ["inducted", "person", "face", "kib", "access", "canEnter"] as const satisfies (keyof Funnel)[];
const nobody: Funnel = { inducted: 0, person: 0, face: 0, kib: 0, access: 0, canEnter: 0 };
/** What a person passes before any of these steps changes. */
const stepStages: ReadonlySet<string> = new Set(["induction", "create-person", "update-kib", "assign-privilege"]);
const dayMs = 86_400_000;
/** A date is shown while it is today's somewhere. */
const daysAround = [-1, 0, 1];

const addSteps = `insert into funnels (date, ${steps.join()}) values (?, ?, ?, ?, ?, ?, ?)
  on conflict do update set ${steps.map((step) => `${step} = ${step} + excluded.${step}`).join()}`;

/** `date` is the induction date, YYYY-MM-DD. */
export const funnelOf = (rows: Rows, date: string): Funnel =>
  rows<Funnel>(`select ${steps.join()} from funnels where date = ?`, date)[0] ?? nobody;

/** Counts those who stand on a date as they get on. Part of the ledger's transactions: `query` must not flush. */
export class Funnels {
  /** Date and person. */
  readonly #moved = new Map<string, readonly [date: string, person: string]>();
  /** Date → how many more there are at each step. */
  readonly #more = new Map<string, number[]>();

  constructor(
    readonly query: Rows,
    readonly latest: Latest,
  ) {}

  /** Something has happened to a person, perhaps in a record of another date. */
  moved({ kind, stage, inducted, at, outcome }: Entry, person: string): void {
    if (kind === "person" && outcome !== "warning" && !(outcome === "done" && stepStages.has(stage))) return;
    const around = daysAround.map((days) => new Date(at.getTime() + days * dayMs).toISOString().slice(0, 10));
    const dates = inducted !== undefined && outcome !== "warning" ? [inducted] : around;
    for (const date of dates) this.#moved.set(`${date} ${person}`, [date, person]);
  }

  /** A whole fetch of a date is over: it may no longer hold those of earlier ones. */
  fetched(date: string, run: string): void {
    const others = "select distinct person from held where date = ? and run <> ?";
    for (const { person } of this.query<{ person: string }>(others, date, run))
      this.#moved.set(`${date} ${person}`, [date, person]);
  }

  /** Of a ledger that has not counted yet: the dates that are shown. */
  countAnew(now: Date): void {
    const since = new Date(now.getTime() - dayMs).toISOString().slice(0, 10);
    const all = "select distinct date, person from held where date >= ?";
    for (const { date, person } of this.query<{ date: string; person: string }>(all, since))
      this.#moved.set(`${date} ${person}`, [date, person]);
  }

  /** To be called at the end of each transaction. */
  write(): void {
    for (const of of this.#moved.values()) this.#count(...of);
    for (const [date, more] of this.#more) this.query(addSteps, date, ...more);
    this.#moved.clear();
    this.#more.clear();
  }

  forget(): void {
    this.#moved.clear();
    this.#more.clear();
  }

  #count(date: string, person: string): void {
    const find = `select max(coalesce(far, 0)) far, max(not exists (select 1 from fetches f
      where f.date = h.date and f.run <> h.run and f.at > h.at)) isHeld from held h where date = ? and person = ?`;
    const [held] = this.query<{ far: number | null; isHeld: number }>(find, date, person);
    if (held === undefined || held.far === null) return;
    const before = held.far;
    const now = held.isHeld ? this.#stepsOf(date, person) : new Set<keyof Funnel>();
    const far = steps.reduce((bits, step, at) => bits | (Number(now.has(step)) << at), 0);
    if (far === before) return;
    this.query("update held set far = ? where date = ? and person = ?", far, date, person);
    const more = steps.map((step, at) => Number(now.has(step)) - ((before >> at) & 1));
    this.#more.set(
      date,
      more.map((count, at) => count + (this.#more.get(date)?.[at] ?? 0)),
    );
  }

  /** How far somebody is who stands on the date. */
  #stepsOf(date: string, person: string): Set<keyof Funnel> {
    const rows = this.latest.rowsOf(person).filter(({ inducted }) => inducted >= date);
    const passed = (stage: string) => this.latest.passed(rows, stage);
    const created = passed("create-person");
    const far = new Set<keyof Funnel>(["inducted"]);
    const find = `select kind, stage, outcome, code, at from events
      where person = ? and (outcome = 'warning' or kind = 'follow') order by id`;
    const events = this.query<EventRow>(find, person);
    const lacks = (codes: readonly string[]) =>
      events.some(
        ({ outcome, code, at }) =>
          outcome === "warning" && created !== undefined && at >= created.fetched && codes.includes(code ?? ""),
      );
    const following = events.findLast(({ kind, stage }) => kind === "follow" && stage === "face");
    // A face that follows is there once its last attempt has ended.
    const hasFace = following === undefined || ["done", "ended"].includes(following.outcome);
    if (created) far.add("person");
    if (created && hasFace && !lacks(lacking.face)) far.add("face");
    if (passed("update-kib") && !lacks(lacking.kib)) far.add("kib");
    if (passed("assign-privilege") && !lacks(lacking.access)) far.add("access");
    if (far.has("face") && far.has("access")) far.add("canEnter");
    return far;
  }
}

interface EventRow {
  kind: string;
  stage: string;
  outcome: string;
  code: string | null;
  at: string;
}
