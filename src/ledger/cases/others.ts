import type { Ledger } from "../ledger.ts";
import type { Entry } from "../subjects.ts";
import type { CaseRow } from "./case-row.ts";

/** What of a record its case needs, as keyed hashes, and the run that noted it. */
type Whose = Pick<CaseRow, "record" | "name" | "inducted" | "repeat" | "fetched"> & { run: string | null };

/** To be noted with what other records may have too. */
export function whoseOf(
  { cases }: Pick<Ledger, "cases">,
  {
    run,
    record = "",
    inducted,
    repeat,
    fetchedAt,
  }: Pick<Entry, "run" | "record" | "inducted" | "repeat" | "fetchedAt">,
): string {
  const order = { inducted: inducted ?? null, repeat: repeat ?? 0, fetched: fetchedAt?.toISOString() ?? null };
  return JSON.stringify({ ...cases.marksOf(record), ...order, run: run ?? null } satisfies Whose);
}

/** Somebody who was noted before. */
export interface Other {
  person: string;
  kib: string | null;
  /** Null where an earlier version noted it. */
  whose: string | null;
}

/**
 * Who came first in this run could not know of the second one: adds that warning now, unless its case is open. Who came in
 * an earlier run may have been corrected since, and is warned by a run of his own.
 */
export function warnOther(
  ledger: Ledger,
  { person, kib, whose }: Other,
  warning: { stage: string; code: string; text: string; run: string | undefined },
): void {
  const { run, ...known } = JSON.parse(whose ?? "{}") as Partial<Whose>;
  if (run !== (warning.run ?? null)) return;
  const at = ledger.now().toISOString();
  ledger.write(() => {
    if (ledger.cases.meetOther({ ...(known as Omit<Whose, "run">), person, kib }, { ...warning, at }))
      ledger.items.warn({ run: warning.run, person, kib, at }, warning);
  });
}
