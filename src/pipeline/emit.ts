import { setImmediate as nextTurn } from "node:timers/promises";
import * as v from "valibot";
import { type Broker, BrokerDown, type Outgoing } from "../broker/broker.ts";
import type { FailureCode } from "../errors/codes.ts";
import { Reject, textOf } from "../errors.ts";
import { recordMarkOf } from "../ledger/cases/record.ts";
import { type Entry, type Subject, subjectOf } from "../ledger/subjects.ts";
import { photoPathOf, unchangedMarkOf } from "../ledger/unchanged.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { isDated, isMany } from "../stage.ts";
import { eachUntilAborted, untilAborted } from "../util/abort.ts";
import { backoff } from "../util/backoff.ts";
import { inParts } from "../util/turns/in-parts.ts";
import { type Envelope, encodeHeaders, followId, itemId, kindOfBody, peopleOfPage, personOf } from "./envelope.ts";

const batchSize = 100;
/** Their schemas and hashes take some milliseconds, after which everything else has its turn. */
const checkedAtATime = 8;

/** One message; many at once, in batches; or many as they come, each on its own, so that memory stays flat. */
async function* batches(result: unknown, signal: AbortSignal): AsyncGenerator<unknown[]> {
  if (!isMany(result)) {
    yield [result];
    return;
  }
  const { messages } = result;
  if (Symbol.iterator in messages) {
    const all = [...messages];
    for (let at = 0; at < all.length; at += batchSize) yield all.slice(at, at + batchSize);
  } else {
    for await (const message of eachUntilAborted(messages, signal)) {
      // To make it, e.g. of a page, took its time.
      await nextTurn();
      yield [message];
    }
  }
}

/** The results of a stage as they go out, in batches that are confirmed together; nothing without a successor. */
export async function* emissions(
  result: unknown,
  from: Envelope,
  registered: RegisteredStage,
  signal: AbortSignal,
): AsyncGenerator<Emitted[]> {
  const { stage, successors } = registered;
  if (result === undefined && successors.length > 0)
    throw new Reject("no_result", `${stage.name} returned nothing; if that is intended, return end("reason")`);
  let index = 0;
  for await (const batch of result === undefined ? [] : batches(result, signal)) {
    signal.throwIfAborted();
    if (successors.length === 0) continue;
    const all: Emitted[] = [];
    for await (const part of inParts(batch, checkedAtATime))
      all.push(...part.map((message) => emitted(message, index++, from, registered)));
    yield all;
  }
}

/** A message that a stage hands over (`context.follow`). */
export interface FollowUp {
  readonly stage: string;
  readonly note?: string | undefined;
  /** The code of what the person lacks until then. */
  readonly lacks?: FailureCode | undefined;
}

/** A message as it goes out, with what the successors and the ledger need to know about it. */
export interface Emitted extends Subject {
  readonly id: string;
  readonly record: string | undefined;
  readonly inducted: string | undefined;
  readonly repeat: number;
  readonly repeats: ReadonlyMap<number, number>;
  readonly rival?: string | undefined;
  readonly rivals?: ReadonlyMap<number, string>;
  readonly message: unknown;
  readonly body: string;
  /** Of a record: what is the same while the record is. */
  readonly mark?: string | undefined;
  /** Of a record: the link of its photo, as far as it stays the same. */
  readonly photo?: string | undefined;
  /** It goes nowhere, and why. */
  readonly ends?: string | undefined;
}

/**
 * A result as it goes out. A result that a successor would refuse is the fault of this stage: rejects with `bad_result`
 * before anything is published. What follows from a person is about that person; a page makes one item of each of its
 * records, and a task one of each of its pages.
 */
function emitted(result: unknown, index: number, from: Envelope, { stage, successors }: RegisteredStage): Emitted {
  const message = isDated(result) ? result.message : result;
  const inducted = (isDated(result) ? result.date : undefined) ?? from.inducted;
  const {
    repeat = from.repeat,
    repeats = new Map<number, number>(),
    rival,
    rivals = new Map<number, string>(),
    ends,
  } = isDated(result) ? result.order : {};
  const body = encoded(message, stage.name);
  checkFor(successors, message, stage.name);
  const kind = from.kind === "person" ? "person" : (stage.emits ?? kindOfBody(message));
  if (kind !== "person" || from.kind === "person") {
    const { code, kib } = from;
    const id = from.kind === "person" ? from.id : `${from.id}/${index}`;
    const record = from.kind === "person" ? from.record : recordMarkOf(message);
    return { id, record, kind, code, kib, inducted, repeat, repeats, rivals, message, body };
  }
  const { code, kib } = personOf(message) ?? { code: undefined, kib: undefined };
  const employee = (message as { employee?: unknown }).employee ?? message;
  const id = itemId(from.run ?? "", inducted, employee);
  const [record, mark] = [recordMarkOf(employee), unchangedMarkOf(employee, inducted)];
  const photo = photoPathOf(employee);
  return { id, record, kind, code, kib, inducted, repeat, repeats, rival, message, body, mark, photo, ends };
}

function encoded(message: unknown, stage: string): string {
  try {
    const body = JSON.stringify(message);
    if (body !== undefined) return body;
  } catch {
    // Circular, or with a BigInt.
  }
  throw new Reject("bad_result", `${stage} returned a value that is not JSON; fix the stage`);
}

function checkFor(successors: readonly RegisteredStage[], message: unknown, from: string): void {
  for (const { stage } of successors) {
    const checked = v.safeParse(stage.message, message);
    if (checked.success) continue;
    const paths = checked.issues.map((issue) => v.getDotPath(issue) ?? "the message").join(", ");
    throw new Reject(
      "bad_result",
      `${from} returned a message that ${stage.name} does not accept: ${paths}; fix the stage`,
    );
  }
}

export function outgoing({ body, ...subject }: Emitted, from: Envelope, fetchedAt: Date | undefined): Outgoing {
  const { run, refreshFaces, startedAt } = from;
  const skipUnchanged = from.skipUnchanged && subject.kind !== "person";
  return { body, headers: encodeHeaders({ ...subject, run, startedAt, fetchedAt, refreshFaces, skipUnchanged }) };
}

/** The message itself, for a stage that follows; its attempts are counted anew. */
export const followUp = (body: Uint8Array, from: Envelope, { stage, note }: FollowUp): Outgoing => {
  const { run, kib, code, record, fetchedAt, inducted, repeat, refreshFaces } = from;
  const id = followId(from.id, stage);
  return {
    body,
    headers: encodeHeaders({
      id,
      kind: "follow",
      run,
      kib,
      code,
      record,
      fetchedAt,
      inducted,
      repeat,
      refreshFaces,
      noted: note,
    }),
  };
};

/** For the ledger: a page and every record on it, or one employee. */
export function entriesOf(
  { kind, id, record, inducted, repeat, repeats, message, code, kib, mark, photo, ends }: Omit<Emitted, "body">,
  base: Omit<Entry, "item" | "kind" | "code" | "kib">,
): Entry[] {
  const page = kind === "page" ? peopleOfPage(message) : undefined;
  const own = { ...base, kind, item: id, record, code, kib, inducted, repeat, mark, photo };
  if (ends !== undefined) return [{ ...own, outcome: "ended", failure: { code: "ended", text: ends } }];
  if (page === undefined) return [own];
  const employees = (message as { data: { data: unknown[] } }).data.data;
  const records = page.map((person, at) => ({
    ...base,
    ...subjectOf(person),
    // What becomes of a whole page is one case.
    record: base.outcome === "done" ? recordMarkOf(employees[at]) : record,
    inducted,
    repeat: repeats.get(at) ?? 0,
    item: itemId(base.run ?? "", inducted, employees[at]),
  }));
  return [{ ...base, kind: "page", code: undefined, kib: undefined, item: id, record, inducted }, ...records];
}

/**
 * Publishes until it is confirmed; the stage does not run again for it. Ends only with `signal`. Reports every failure
 * except the absence of the broker, e.g. a deleted queue, which is declared again.
 */
export async function publishUntilConfirmed(
  broker: Pick<Broker, "publish" | "declare">,
  queue: string,
  messages: readonly Outgoing[],
  { signal, say }: { signal: AbortSignal; say: (text: string) => void },
): Promise<void> {
  for await (const _ of backoff({ firstMs: 100, maxMs: 5_000, signal })) {
    try {
      return await broker.publish(queue, messages, signal);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BrokerDown) continue;
      say(`publishing to ${queue} failed and is repeated: ${textOf(error)}`);
      await untilAborted(broker.declare([queue]), signal).catch(() => {});
    }
  }
  signal.throwIfAborted();
}
