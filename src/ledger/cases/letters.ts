import type { Rows } from "../schema.ts";

/** Closes those of these cases that have no letter any more: another daemon, or somebody at the broker, took them. */
export function closeTaken(rows: Rows, ids: readonly string[], at: string): void {
  rows(
    `update cases set closed = ?, why = 'its dead letter was taken' where closed is null and kind = 'dead letter'
      and id in (select value from json_each(?)) and not exists (select 1 from dead_letters d where d.case_id = cases.id)`,
    at,
    JSON.stringify(ids),
  );
}

/** Makes the cases of letters that were found in their queues, e.g. after the ledger was lost. */
export function adopt(rows: Rows, ids: readonly string[]): void {
  rows(
    `insert or ignore into cases (id, record, person, name, kib, stage, code, kind, text, first, last, runs,
      last_run, inducted, repeat, fetched)
    select case_id, record, person, mark, kib, stage, code, 'dead letter', text, first, last, 1, run, inducted, repeat,
      fetched from dead_letters where case_id in (select value from json_each(?1))
      and not exists (select 1 from cases c where c.id = case_id)`,
    JSON.stringify(ids),
  );
  // Another daemon had only looked at them.
  rows(
    `update cases set closed = null, why = null where id in (select value from json_each(?1))
      and why = 'its dead letter was taken' and exists (select 1 from dead_letters d where d.case_id = cases.id)`,
    JSON.stringify(ids),
  );
}
