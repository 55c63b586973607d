import * as v from "valibot";
import type { Outgoing } from "../broker/broker.ts";
import { Reject } from "../errors.ts";
import type { Entry } from "../ledger/ledger.ts";
import { subjectOf } from "../ledger/subjects.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { isMany } from "../stage.ts";
import { eachUntilAborted } from "../util/abort.ts";
import { type Envelope, encodeHeaders, itemId, peopleOfPage, personOf } from "./envelope.ts";

const batchSize = 100;

/** One message, many at once in batches, or many as they come: then each on its own, so that memory stays flat. */
export async function* batches(result: unknown, signal: AbortSignal): AsyncGenerator<unknown[]> {
  if (!isMany(result)) {
    yield [result];
    return;
  }
  const { messages } = result;
  if (Symbol.iterator in messages) {
    const all = [...messages];
    for (let at = 0; at < all.length; at += batchSize) yield all.slice(at, at + batchSize);
  } else {
    for await (const message of eachUntilAborted(messages, signal)) yield [message];
  }
}

/** A stage whose result its successors would refuse is at fault, not they: it is said before anything is published. */
export function checkFor(successors: readonly RegisteredStage[], message: unknown, from: string): void {
  for (const { stage } of successors) {
    const checked = v.safeParse(stage.message, message);
    if (checked.success) continue;
    const paths = checked.issues.map((issue) => v.getDotPath(issue) ?? "the message").join(", ");
    throw new Reject("bad_result", `what ${from} returned is not what ${stage.name} takes: ${paths}; mend the stage`);
  }
}

/** What goes out in answer to a message: an employee keeps their way, a page opens a way for each of its own. */
export function outgoing(
  message: unknown,
  index: number,
  from: Envelope,
  fromPerson: boolean,
): { id: string } & Outgoing {
  const person = personOf(message);
  const own =
    fromPerson || person === undefined
      ? { id: fromPerson ? from.id : `${from.id}/${index}`, kib: from.kib, code: from.code }
      : { id: itemId(from.run ?? "", person, message), kib: person.kib, code: person.code };
  const headers = encodeHeaders({ ...own, run: from.run, fetchedAt: from.fetchedAt });
  return { id: own.id, body: JSON.stringify(message), headers };
}

/** Who is in what went out, for the ledger: a page, and everybody on it; or one employee. */
export function entriesOf(message: unknown, id: string, base: Omit<Entry, "item" | "kind" | "code" | "kib">): Entry[] {
  const page = peopleOfPage(message);
  if (page === undefined) return [{ ...base, ...subjectOf(personOf(message)), item: id }];
  const employees = (message as { data: { data: unknown[] } }).data.data;
  const everybody = page.map((person, at) => ({
    ...base,
    ...subjectOf(person),
    item: itemId(base.run ?? "", person, { employee: employees[at] }),
  }));
  return [{ ...base, kind: "page" as const, code: undefined, kib: undefined, item: id }, ...everybody];
}
