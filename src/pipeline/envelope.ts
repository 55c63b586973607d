import { createHash } from "node:crypto";
import * as v from "valibot";
import type { Delivery, Headers } from "../broker/broker.ts";
import { usableNikOf } from "../people/nik.ts";
import type { PersonRef } from "../people/types.ts";
import type { Meta } from "../stage.ts";

/** What the original's messages do not carry. Python drops these headers, so nothing may depend on them. */
const name = {
  id: "hs-id",
  run: "hs-run",
  kib: "hs-kib",
  code: "hs-code",
  fetched: "hs-fetched",
  attempt: "hs-attempt",
  first: "hs-first",
  failure: "hs-failure",
  due: "hs-due",
} as const;

const maxAttempts = 1000;
/** Of the 4 KB for all headers. */
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
export interface Envelope extends Omit<Meta, "superseded"> {
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
  [name.fetched]: time,
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

const digest = (...parts: string[]) => createHash("sha256").update(parts.join("\n")).digest("hex").slice(0, 32);

/** Identifies one employee in one run: the same wherever it is derived, and without the NIK in it. */
export const itemId = (run: string, person: PersonRef, employee: unknown) =>
  digest(run, person.code ?? JSON.stringify(employee) ?? "");

const beforeOf = (at: Date | undefined, now: Date) => (at && at > now ? now : at);

/** Headers first; what they do not say is taken from the body; the rest stays unknown. */
export function decodeHeaders(delivery: Delivery, body: unknown, now: Date): Envelope {
  const headers = v.parse(headersSchema, delivery.headers);
  const person = personOf(body);
  const code = headers[name.code] ?? person?.code;
  const attempt = headers[name.attempt];
  return {
    id: headers[name.id] ?? digest(code ?? person?.personId ?? Buffer.from(delivery.body).toString("latin1")),
    run: headers[name.run],
    kib: headers[name.kib] ?? person?.kib,
    code,
    fetchedAt: beforeOf(headers[name.fetched], now),
    attempt,
    firstSeenAt: beforeOf(headers[name.first], now) ?? now,
    again: delivery.redelivered || attempt > 0 || headers[name.failure].length > 0,
    history: headers[name.failure],
    dueAt: headers[name.due],
  };
}

type Carried = Pick<Envelope, "id" | "run" | "kib" | "code" | "fetchedAt"> &
  Partial<Pick<Envelope, "attempt" | "firstSeenAt" | "history" | "dueAt">>;

/** The headers of what goes out; `undefined` is left out. */
export function encodeHeaders(meta: Carried): Headers {
  const headers: Headers = { [name.id]: meta.id };
  const set = (key: string, value: string | number | undefined) => {
    if (value !== undefined) headers[key] = value;
  };
  set(name.run, meta.run);
  set(name.kib, meta.kib?.slice(0, 40));
  set(name.code, meta.code?.slice(0, 20));
  set(name.fetched, meta.fetchedAt?.toISOString());
  set(name.attempt, meta.attempt);
  set(name.first, meta.firstSeenAt?.toISOString());
  set(name.due, meta.dueAt?.toISOString());
  if (meta.history && meta.history.length > 0) set(name.failure, JSON.stringify(meta.history));
  return headers;
}

/** The first five failures say how it began, the last five what it came to; each within its share of the headers. */
export function appendFailure(history: readonly FailureRecord[], failure: FailureRecord): FailureRecord[] {
  const short = { ...failure, code: failure.code.slice(0, 60), text: failure.text.slice(0, 160) };
  const tooLong = () => Buffer.byteLength(JSON.stringify(short)) > maxFailureBytes;
  while (tooLong() && short.text !== "") short.text = short.text.slice(0, -10);
  const all = [...history, short];
  return all.length <= 2 * historyEnds ? all : [...all.slice(0, historyEnds), ...all.slice(-historyEnds)];
}
