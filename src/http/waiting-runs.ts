import type { Rows } from "../ledger/schema.ts";

/** Who triggers: an operator, or the address of anybody else. */
export const operatorCaller = "operator";

/** So many dates may wait to be fetched for one caller: over a year for an operator, a few months for anybody else. */
const maxDates = { operator: 2_000, other: 200 };

/** A run of which Eposh still has to be asked for dates. */
export const unfetched = `cancelled is null and closed is not 'lost' and tasks >
  (select coalesce(sum(n), 0) from tallies where run = r.no and kind = 'task' and stage = 'induction'
    and outcome in ('done', 'ended', 'dead', 'dropped'))`;

/** What waits to be fetched, by who asked for it: nobody may put any number of runs before those of others. */
export class WaitingRuns {
  readonly #byCaller = new Map<string, Map<string, number>>();

  constructor(readonly rows: Rows) {}

  /** Why a run over so many dates is not taken now; the first one always is. */
  problem(caller: string, dates: number): string | undefined {
    const runs = this.#byCaller.get(caller) ?? new Map<string, number>();
    for (const run of runs.keys())
      if (this.rows(`select 1 from runs r where id = ? and ${unfetched}`, run).length === 0) runs.delete(run);
    if (runs.size === 0) this.#byCaller.delete(caller);
    const waiting = [...runs.values()].reduce((sum, one) => sum + one, 0);
    if (waiting === 0 || waiting + dates <= (caller === operatorCaller ? maxDates.operator : maxDates.other))
      return undefined;
    return `${waiting} dates of ${runs.size} runs that you started wait to be fetched; trigger again when they are`;
  }

  note(caller: string, run: string, dates: number): void {
    const runs = this.#byCaller.get(caller) ?? new Map<string, number>();
    this.#byCaller.set(caller, runs.set(run, dates));
  }
}
