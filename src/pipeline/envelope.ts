import * as v from "valibot";
import type { Delivery, Headers } from "../broker/broker.ts";
import { recordMarkOf, withoutSignature } from "../ledger/cases/record.ts";
import type { SubjectKind } from "../ledger/subjects.ts";
import { usableNikOf } from "../people/nik.ts";
import type { PersonRef } from "../people/types.ts";
import type { Meta } from "../stage.ts";
import { parseJson } from "../util/exact-json.ts";
import { plausible } from "../util/plausible.ts";

/** Facts that the original's messages do not carry. Python drops these headers, so nothing may depend on them. */
const name = {
  id: "hs-id",
  run: "hs-run",
  kib: "hs-kib",
  code: "hs-code",
  record: "hs-record",
  kind: "hs-kind",
  started: "hs-started",
  fetched: "hs-fetched",
  inducted: "hs-inducted",
  repeat: "hs-repeat",
  rival: "hs-rival",
  rivals: "hs-rivals",
  again: "hs-again",
  refreshFaces: "hs-refresh-faces",
  skipUnchanged: "hs-skip-unchanged",
  noted: "hs-noted",
  attempt: "hs-attempt",
  first: "hs-first",
  failure: "hs-failure",
  due: "hs-due",
} as const;

const maxAttempts = 1000;
const maxRepeat = 9999;
const maxRepeatsLength = 400;
const maxRivalBytes = 300;
const maxRivalsBytes = 300;
/** The share of the history in the 4 KB of all headers. */
const maxHistoryBytes = 3000;
const historyEnds = 5;
const maxFailureBytes = 290;

/** One failed attempt. */
export interface FailureRecord {
  at: string;
  stage: string;
  code: string;
  text: string;
}

/** A delivery's headers, clamped to sane types and ranges. */
export interface Envelope extends Omit<Meta, "superseded" | "ageMs"> {
  readonly kind: SubjectKind;
  /** Tells the record from all others; undefined where neither headers nor body do. */
  readonly record: string | undefined;
  /** The first and the last five failures, oldest first. */
  readonly history: readonly FailureRecord[];
  readonly dueAt: Date | undefined;
}

const short = (max: number) => v.fallback(v.optional(v.pipe(v.string(), v.nonEmpty(), v.maxBytes(max))), undefined);
const time = v.fallback(
  v.optional(
    v.pipe(
      v.string(),
      v.maxLength(40),
      v.transform((text) => new Date(text)),
      v.date(),
    ),
  ),
  undefined,
);
const failureRecords = v.fallback(
  v.pipe(
    v.string(),
    v.maxBytes(maxHistoryBytes),
    v.rawTransform(({ dataset, NEVER }) => {
      try {
        return JSON.parse(dataset.value) as unknown;
      } catch {
        return NEVER;
      }
    }),
    v.array(v.object({ at: v.string(), stage: v.string(), code: v.string(), text: v.string() })),
    v.maxLength(2 * historyEnds),
  ),
  [],
);
const headersSchema = v.object({
  [name.id]: short(120),
  [name.run]: short(60),
  [name.kib]: short(40),
  [name.code]: short(20),
  [name.record]: short(60),
  [name.kind]: v.fallback(v.optional(v.picklist(["person", "follow", "page", "task"])), undefined),
  [name.started]: time,
  [name.fetched]: time,
  [name.inducted]: v.fallback(v.optional(v.pipe(v.string(), v.isoDate())), undefined),
  [name.repeat]: v.fallback(
    v.optional(v.pipe(v.string(), v.regex(/^(\d+:)?\d+(,\d+:\d+)*$/), v.maxLength(maxRepeatsLength))),
    undefined,
  ),
  [name.rival]: short(maxRivalBytes),
  [name.rivals]: short(maxRivalsBytes),
  [name.again]: v.fallback(v.boolean(), false),
  [name.refreshFaces]: v.fallback(v.boolean(), false),
  [name.skipUnchanged]: v.fallback(v.boolean(), false),
  [name.noted]: short(40),
  [name.attempt]: v.fallback(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(maxAttempts)), 0),
  [name.first]: time,
  [name.failure]: failureRecords,
  [name.due]: time,
});

const asText = (value: unknown) =>
  typeof value === "string" || (typeof value === "number" && Number.isSafeInteger(value))
    ? String(value).trim()
    : undefined;
const record = (value: unknown): Record<string, unknown> =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
const personRef = (employee: unknown, message: unknown = {}): PersonRef => ({
  code: usableNikOf(record(employee).identity_number),
  kib: asText(record(employee).kib_number) || undefined,
  personId: asText(record(message).personId) || undefined,
});

/** Undefined if the body is not JSON. */
export function bodyOf({ body }: Pick<Delivery, "body">): unknown {
  try {
    return parseJson(body);
  } catch {
    return undefined;
  }
}

/** The employees of a page. */
export function peopleOfPage(body: unknown): PersonRef[] | undefined {
  const list = record(record(body).data).data;
  return Array.isArray(list) ? list.map((employee) => personRef(employee)) : undefined;
}

/** The employee or person of any other message. */
export function personOf(body: unknown): PersonRef | undefined {
  const { employee, personId } = record(body);
  return employee !== undefined || personId !== undefined ? personRef(employee, body) : undefined;
}

const digest = (...parts: string[]) =>
  new Bun.CryptoHasher("sha256").update(parts.join("\n")).digest("hex").slice(0, 32);

/**
 * Identifies one record of Eposh in one run: the same wherever it is derived and however often its date is fetched; it
 * does not contain the NIK. Two records of one NIK are two items.
 */
export function itemId(run: string, inducted: string | undefined, employee: unknown): string {
  return digest(run, inducted ?? "", JSON.stringify(withoutSignature(employee)) ?? "");
}

/** Of the same record at a stage that follows: what is counted by its own id is not counted twice. */
export const followId = (id: string, stage: string): string => digest(id, stage);

/** The kind of a message without headers, e.g. from a Python worker. */
export const kindOfBody = (body: unknown): SubjectKind =>
  peopleOfPage(body) ? "page" : personOf(body) ? "person" : "task";

/** Reads the headers first, then the body; the rest stays unknown. */
export function decodeHeaders(delivery: Delivery, body: unknown, now: Date): Envelope {
  const headers = v.parse(headersSchema, delivery.headers);
  const person = personOf(body);
  const code = headers[name.code] ?? person?.code;
  const attempt = headers[name.attempt];
  return {
    id: headers[name.id] ?? digest(code ?? person?.personId ?? Buffer.from(delivery.body).toString("latin1")),
    kind: headers[name.kind] ?? kindOfBody(body),
    run: headers[name.run],
    kib: headers[name.kib] ?? person?.kib,
    code,
    record: headers[name.record] ?? (body === undefined ? undefined : recordMarkOf(body)),
    fetchedAt: plausible(headers[name.fetched], now),
    inducted: headers[name.inducted],
    ...readRepeats(headers[name.repeat]),
    rival: headers[name.rival],
    rivals: readRivals(headers[name.rivals]),
    attempt,
    firstSeenAt: plausible(headers[name.first], now) ?? now,
    again: delivery.redelivered || headers[name.again] || attempt > 0 || headers[name.failure].length > 0,
    startedAt: plausible(headers[name.started], now),
    refreshFaces: headers[name.refreshFaces],
    skipUnchanged: headers[name.skipUnchanged],
    noted: headers[name.noted],
    history: headers[name.failure],
    dueAt: headers[name.due],
  };
}

/** "1" of a record, "3:1,17:2" of a page. */
function readRepeats(text = ""): Pick<Meta, "repeat" | "repeats"> {
  const pairs = text.includes(":") ? text.split(",").map((pair) => pair.split(":").map(Number)) : [];
  const repeats = new Map(pairs.map(([at = 0, repeat = 0]) => [at, repeat]));
  return { repeat: text.includes(":") ? 0 : Math.min(Number(text), maxRepeat), repeats };
}
function writeRepeats({ repeat, repeats }: Partial<Pick<Meta, "repeat" | "repeats">>): string | undefined {
  if (!repeats?.size) return repeat ? String(repeat) : undefined;
  const pairs = [...repeats].map((pair) => pair.join(":"));
  // What has no room is taken for the first of its NIK.
  while (pairs.join().length > maxRepeatsLength) pairs.pop();
  return pairs.join();
}

const rivalsSchema = v.fallback(v.pipe(v.string(), v.parseJson(), v.record(v.string(), v.string())), {});
const readRivals = (text = "{}"): Meta["rivals"] =>
  new Map(Object.entries(v.parse(rivalsSchema, text)).map(([at, label]) => [Number(at), label]));
function writeRivals(rivals: Meta["rivals"] | undefined): string | undefined {
  if (!rivals?.size) return undefined;
  const all = [...rivals];
  const written = () => JSON.stringify(Object.fromEntries(all));
  const isTooLong = () => Buffer.byteLength(written()) > maxRivalsBytes;
  // First the names give way, and then whoever is left is nobody's rival.
  for (let last = all.length - 1; last >= 0 && isTooLong(); last--) all[last] = [all[last]?.[0] ?? 0, "another record"];
  while (isTooLong()) all.pop();
  return written();
}

type Carried = Pick<Envelope, "id" | "kind" | "run" | "kib" | "code" | "fetchedAt" | "inducted"> &
  Partial<
    Pick<
      Envelope,
      | "record"
      | "startedAt"
      | "repeat"
      | "repeats"
      | "rival"
      | "rivals"
      | "again"
      | "refreshFaces"
      | "skipUnchanged"
      | "noted"
      | "attempt"
      | "firstSeenAt"
      | "history"
      | "dueAt"
    >
  >;

/** The headers of a message to publish; `undefined` is left out. */
export function encodeHeaders(meta: Carried): Headers {
  const headers: Headers = { [name.id]: meta.id, [name.kind]: meta.kind };
  const set = (key: string, value: string | number | boolean | undefined) => {
    if (value !== undefined) headers[key] = value;
  };
  set(name.run, meta.run);
  set(name.kib, meta.kib?.slice(0, 40));
  set(name.code, meta.code?.slice(0, 20));
  set(name.record, meta.record);
  set(name.started, meta.startedAt?.toISOString());
  set(name.fetched, meta.fetchedAt?.toISOString());
  set(name.inducted, meta.inducted);
  set(name.repeat, writeRepeats(meta));
  set(name.rival, meta.rival);
  set(name.rivals, writeRivals(meta.rivals));
  set(name.again, meta.again || undefined);
  set(name.refreshFaces, meta.refreshFaces || undefined);
  set(name.skipUnchanged, meta.skipUnchanged || undefined);
  set(name.noted, meta.noted);
  set(name.attempt, meta.attempt);
  set(name.first, meta.firstSeenAt?.toISOString());
  set(name.due, meta.dueAt?.toISOString());
  if (meta.history && meta.history.length > 0) set(name.failure, JSON.stringify(meta.history));
  return headers;
}

/** Keeps the first five failures and the last five, each within its share of the headers. */
export function appendFailure(history: readonly FailureRecord[], failure: FailureRecord): FailureRecord[] {
  const short = { ...failure, code: failure.code.slice(0, 60), text: failure.text.slice(0, 160) };
  const tooLong = () => Buffer.byteLength(JSON.stringify(short)) > maxFailureBytes;
  while (tooLong() && short.text !== "") short.text = short.text.slice(0, -10);
  const all = [...history, short];
  return all.length <= 2 * historyEnds ? all : [...all.slice(0, historyEnds), ...all.slice(-historyEnds)];
}
