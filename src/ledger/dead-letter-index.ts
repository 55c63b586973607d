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
}

/** Without any of these, all of them. */
export interface DeadLetterFilter {
  ids?: readonly string[] | undefined;
  stage?: string | undefined;
  code?: string | undefined;
  run?: string | undefined;
}

const columns = "id queue stage code text attempts first last run kib name fetched".split(" ");

const insert = `insert into dead_letters (${columns.join()})
  select ${columns.map((name) => `value ->> '${name}'`).join()} from json_each(?) where true
  on conflict do update set copies = copies + 1, ${columns.map((name) => `${name} = excluded.${name}`).join()}`;

const select = `select ${columns.join()} from dead_letters where (?1 is null or stage = ?1) and (?2 is null or code = ?2)
  and (?3 is null or run = ?3) and (?4 is null or id in (select value from json_each(?4))) order by first, id`;

/**
 * Which dead letters there are, so that nobody has to take them out of their queues to know: RabbitMQ counts every
 * message that is put back and drops it at a limit. Losing it costs a pass through the queues, no dead letter.
 */
export class DeadLetterIndex {
  /** What is added while a pass replaces what is known of a queue. */
  readonly #added = new Map<string, DeadLetter[]>();

  constructor(readonly rows: Rows) {}

  /** To be called once its queue has it. */
  add(letter: DeadLetter): void {
    this.rows(insert, JSON.stringify([letter]));
    this.#added.get(letter.queue)?.push(letter);
  }

  remove({ queue, id }: Pick<DeadLetter, "queue" | "id">): void {
    this.rows("delete from dead_letters where queue = ? and id = ?", queue, id);
  }

  select({ ids, stage, code, run }: DeadLetterFilter): DeadLetter[] {
    const wanted = [stage ?? null, code ?? null, run ?? null, ids ? JSON.stringify(ids) : null];
    const isKnown = ([, value]: [string, unknown]) => value !== null;
    return this.rows<DeadLetter>(select, ...wanted).map(
      (row) => Object.fromEntries(Object.entries(row).filter(isKnown)) as unknown as DeadLetter,
    );
  }

  /** Main queue → how many messages its dead-letter queue holds by this index; a message may be in it twice. */
  counts(): ReadonlyMap<string, number> {
    const sums = this.rows<{ queue: string; n: number }>(
      "select queue, sum(copies) n from dead_letters group by queue",
    );
    return new Map(sums.map(({ queue, n }) => [queue, n]));
  }

  /** For a pass through a queue. What it returns is called at its end, with all that was seen if that was everything. */
  replace(queue: string): (seen: readonly DeadLetter[] | undefined) => void {
    const added: DeadLetter[] = [];
    this.#added.set(queue, added);
    return (seen) => {
      this.#added.delete(queue);
      if (seen === undefined) return;
      this.rows("delete from dead_letters where queue = ?", queue);
      this.rows(insert, JSON.stringify([...seen, ...added]));
    };
  }
}
