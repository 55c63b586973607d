import { inParts } from "../util/turns/in-parts.ts";
import type { Rows } from "./schema.ts";

/** What is known of a dead letter without its body, which is only in its queue. */
export interface DeadLetter {
  /** Stays the same while the dead letter is kept, and when the same message fails again. */
  id: string;
  /** The stage that failed; it may no longer exist. */
  stage: string;
  /** The main queue; the body is in its dead-letter queue. */
  queue: string;
  code: string;
  text: string;
  attempts: number;
  first: string;
  last: string;
  run?: string | undefined;
  kib?: string | undefined;
  name?: string | undefined;
  fetched?: string | undefined;
  /** The case that it belongs to. */
  case_id: string;
  /** Tells whether its record has changed. */
  content: string;
  /** Keyed hashes of the record, of the NIK and of the name. */
  record: string;
  person?: string | undefined;
  mark: string;
  inducted?: string | undefined;
  repeat: number;
}

const latelyMs = 2_000;

/** Without any of these, all of those whose case is open. */
export interface DeadLetterFilter {
  /** Of letters or of cases, or how they begin; of closed cases too. */
  ids?: readonly string[] | undefined;
  stage?: string | undefined;
  code?: string | undefined;
  run?: string | undefined;
}

const columns = (
  "id queue stage code text attempts first last run kib name fetched case_id content record person mark" +
  " inducted repeat"
).split(" ");

const insertInto = (table: string) => `insert into ${table} (${columns.join()})
  select ${columns.map((name) => `value ->> '${name}'`).join()} from json_each(?) where true
  on conflict do update set copies = copies + 1,
  ${columns.map((name) => `${name} = iif(coalesce(excluded.fetched >= fetched, 1), excluded.${name}, ${name})`).join()}`;

const insert = insertInto("dead_letters");

/** What a pass has seen; it takes the place of what was known in one moment. */
const passing = `create temp table if not exists passing (${columns.join()}, copies default 1, primary key (queue, id))`;
const replace = `insert into dead_letters (${columns.join()}, copies) select ${columns.join()}, copies from passing`;

const select = `select queue, id from dead_letters where (?1 is null or stage = ?1) and (?2 is null or code = ?2)
  and (?3 is null or run = ?3 or exists (select 1 from stuck s join runs r on r.no = s.run where r.id = ?3 and s.case_id = dead_letters.case_id))
  and (?4 is null or exists (select 1 from json_each(?4) where substr(dead_letters.id, 1, length(value)) = value or substr(case_id, 1, length(value)) = value))
  and (?4 is not null or exists (select 1 from cases c where c.id = case_id and c.closed is null)) order by first, id`;

const details = `select ${columns.map((name) => `d.${name}`).join()} from json_each(?) one cross join dead_letters d
  on d.queue = one.value ->> 'queue' and d.id = one.value ->> 'id' order by one.key`;

type Key = Pick<DeadLetter, "queue" | "id">;

/**
 * Which dead letters there are, so that nobody has to take them out of their queues to know: RabbitMQ counts every
 * message that is put back and drops it at a limit. Losing it costs a pass through the queues, no dead letter.
 */
export class DeadLetterIndex {
  /** What is added while a pass replaces what is known of a queue. */
  readonly #added = new Map<string, DeadLetter[]>();
  /** What was added a moment ago: the depth of a queue may not show it yet. */
  #lately: { queue: string; at: number }[] = [];

  constructor(
    readonly rows: Rows,
    /** Makes the cases of letters that have none. */
    readonly adopt: (ids: readonly string[]) => void,
    /** Ends those of these cases whose letters somebody else took. */
    readonly gone: (ids: readonly string[]) => void,
  ) {}

  /** What is known of the queues of another broker is forgotten; the next look passes through those of this one. */
  belongTo(broker: string): void {
    const [known] = this.rows<{ broker: string }>("select broker from indexed");
    if (known?.broker === broker) return;
    if (known !== undefined) this.rows("delete from dead_letters");
    this.rows("delete from indexed");
    this.rows("insert into indexed values (?)", broker);
  }

  /** Queues that hold letters of cases which were closed before that. */
  withExpired(before: string): string[] {
    const queues = "select distinct d.queue from dead_letters d join cases c on c.id = d.case_id where c.closed < ?";
    return this.rows<Key>(queues, before).map(({ queue }) => queue);
  }

  isExpired({ queue, id }: Key, before: string): boolean {
    const expired = `select 1 from dead_letters d join cases c on c.id = d.case_id
      where d.queue = ? and d.id = ? and c.closed < ?`;
    return this.rows(expired, queue, id, before).length > 0;
  }

  /** To be called once its queue has it. */
  add(letter: DeadLetter): void {
    this.rows(insert, JSON.stringify([letter]));
    this.#lately.push({ queue: letter.queue, at: performance.now() });
    this.adopt([letter.case_id]);
    this.#added.get(letter.queue)?.push(letter);
  }

  /** The letter of that id in that queue, as it was seen last. */
  find({ queue, id }: Key): { content: string; copies: number } | undefined {
    const find = "select content, copies from dead_letters where queue = ? and id = ?";
    return this.rows<{ content: string; copies: number }>(find, queue, id)[0];
  }

  /** One of several copies is no longer in the queue. */
  removeCopy({ queue, id }: Key): void {
    this.rows("update dead_letters set copies = copies - 1 where queue = ? and id = ?", queue, id);
  }

  remove({ queue, id }: Key): void {
    this.rows("delete from dead_letters where queue = ? and id = ?", queue, id);
  }

  /** The oldest first. For a few: there may be thousands. */
  select(filter: DeadLetterFilter): DeadLetter[] {
    return this.#whole(this.#keysOf(filter));
  }

  /** The same for any number of them. */
  async selectAll(filter: DeadLetterFilter): Promise<DeadLetter[]> {
    const all: DeadLetter[] = [];
    for await (const some of inParts(this.#keysOf(filter))) all.push(...this.#whole(some));
    return all;
  }

  #keysOf({ ids, stage, code, run }: DeadLetterFilter): Key[] {
    return this.rows<Key>(select, stage ?? null, code ?? null, run ?? null, ids ? JSON.stringify(ids) : null);
  }

  #whole(keys: readonly Key[]): DeadLetter[] {
    const isKnown = ([, value]: [string, unknown]) => value !== null;
    return this.rows<DeadLetter>(details, JSON.stringify(keys)).map(
      (row) => Object.fromEntries(Object.entries(row).filter(isKnown)) as unknown as DeadLetter,
    );
  }

  /**
   * Main queue → how many messages its dead-letter queue holds by this index; a message may be in it twice. Without those
   * that were added within `exceptMs`.
   */
  counts(exceptMs = 0): ReadonlyMap<string, number> {
    const sums = this.rows<{ queue: string; n: number }>(
      "select queue, sum(copies) n from dead_letters group by queue",
    );
    const since = performance.now() - exceptMs;
    this.#lately = this.#lately.filter(({ at }) => at > performance.now() - latelyMs);
    const late = (queue: string) => this.#lately.filter((one) => one.queue === queue && one.at > since).length;
    return new Map(sums.map(({ queue, n }) => [queue, Math.max(0, exceptMs > 0 ? n - late(queue) : n)]));
  }

  /** For a pass through a queue. What it returns is called at its end, with all that was seen if that was everything. */
  replace(queue: string): (seen: readonly DeadLetter[] | undefined) => Promise<void> {
    const added: DeadLetter[] = [];
    this.#added.set(queue, added);
    return async (seen) => {
      if (seen === undefined) return void this.#added.delete(queue);
      this.rows(passing);
      this.rows("delete from passing");
      for await (const some of inParts(seen)) this.rows(insertInto("passing"), JSON.stringify(some));
      this.#added.delete(queue);
      const before = this.rows<{ id: string }>("delete from dead_letters where queue = ? returning case_id id", queue);
      this.rows(replace);
      this.rows(insert, JSON.stringify(added));
      for await (const some of inParts([...seen, ...added])) this.adopt(some.map((one) => one.case_id));
      for await (const some of inParts(before)) this.gone(some.map(({ id }) => id));
    };
  }
}
