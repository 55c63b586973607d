import { passesOf } from "./items/path.ts";
import type { Words } from "./items/words.ts";
import type { Ledger } from "./ledger.ts";
import type { TraceOutcome } from "./subjects.ts";

/** One thing that happened to an employee. */
export interface TraceEvent {
  at: string;
  stage: string;
  outcome: TraceOutcome;
  /** Counted attempts before this one. */
  attempt: number;
  kib?: string;
  code?: string;
  text?: string;
}

export interface Trace {
  /** Undefined for messages without a run. */
  run?: string;
  /** In one sentence. */
  where: string;
  steps: TraceEvent[];
}

interface Row {
  run: string | null;
  item: string | null;
  person: string | null;
  kib: string | null;
}
type EventRow = Row & { code: string | null; text: string | null } & Omit<TraceEvent, "kib" | "code" | "text">;
type ItemRow = Row & { at: number; path: string };

const of = `kib = ?1 or person = ?2 or person in (select person from items where kib = ?1
  union select person from events where kib = ?1)`;

/**
 * Everything known about an employee by KIB or NIK, record by record, oldest first. Whoever had that KIB is included with
 * all entries, also those under another KIB; two people who had it are two traces. The NIK is found by its keyed hash.
 */
export function traceOf(ledger: Ledger, key: string, nextOf: (stage: string) => readonly string[]): Trace[] {
  const events = `select at, run, item, person, kib, stage, outcome, attempt, code, text from events where ${of}
    order by at, id`;
  const items = `select i.at, r.id run, item, person, i.kib, path from items i left join runs r on r.no = i.run
    where ${of.replace("kib", "i.kib")}`;
  const values = [key, ledger.personKey(key)];
  const passed = ledger.rows<ItemRow>(items, ...values).flatMap((item) => passesIn(item, ledger.items.words));
  const rows = [...ledger.rows<EventRow>(events, ...values), ...passed].sort((a, b) =>
    a.at < b.at ? -1 : Number(a.at > b.at),
  );
  // n.b. What 0.1 wrote has no item.
  const groups = Map.groupBy(rows, ({ run, item, person }) => `${run} ${item ?? person}`);
  return [...groups.values()].map((events) => {
    const run = events[0]?.run ?? null;
    const steps = events.map(({ run: _, item: __, person: ___, kib, code, text, ...step }) => ({
      ...step,
      ...(kib !== null && { kib }),
      ...(code !== null && { code }),
      ...(text !== null && { text }),
    }));
    return { ...(run !== null && { run }), where: whereIs(steps, nextOf), steps };
  });
}

/** What simply passed has no events. */
const passesIn = ({ path, at, ...row }: ItemRow, words: Words): EventRow[] =>
  passesOf(path).map(({ stage, afterMs, why }) => ({
    at: new Date(at + afterMs).toISOString(),
    ...row,
    stage: words.textOf(stage),
    attempt: 0,
    ...(why === undefined
      ? { outcome: "done", code: null, text: null }
      : { outcome: "ended", code: "ended", text: words.textOf(why) }),
  }));

function whereIs(steps: readonly TraceEvent[], nextOf: (stage: string) => readonly string[]): string {
  const last = steps.findLast(({ outcome }) => outcome !== "warning");
  if (last === undefined) return "only warnings are recorded";
  const { stage, outcome, attempt, code, text } = last;
  const next = nextOf(stage);
  const through = next.length === 0 ? `through: ${stage} was the last stage` : `waiting for ${next.join(" and ")}`;
  const words: Record<TraceOutcome, string> = {
    done: through,
    retry: `waiting for another attempt at ${stage} after ${attempt + 1}: ${code}`,
    dead: `dead letter at ${stage}: ${code}`,
    ended: `ended at ${stage}: ${text}`,
    replayed: `sent back to ${stage}`,
    dropped: `dropped by an operator at ${stage}`,
    warning: "",
  };
  return words[outcome];
}
