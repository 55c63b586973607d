import type { Clients } from "../clients.ts";
import { addDays, datesOf, todayIn } from "../config/dates.ts";
import type { Config } from "../config/load.ts";
import { textOf } from "../errors.ts";
import { noteComparison } from "../ledger/cases/last-comparison.ts";
import {
  closeSituations,
  endBaseline,
  hasBaseline,
  hasUnmatched,
  noteMembers,
  recallFrom,
} from "../ledger/cases/situations.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { noteSource } from "../ledger/photos/sources.ts";
import type { Log } from "../observability/log.ts";
import { inParts } from "../util/turns/in-parts.ts";
import { type Comparison, compare } from "./comparison.ts";
import { noKib, type Recall } from "./difference.ts";
import { countsOf, type Fix, fixesOf, sentenceOf } from "./fixes.ts";
import { forgetLostWrites } from "./lost-writes.ts";
import { type LookLimits, type LookOptions, nightlyLooks } from "./photo-looks.ts";

export interface NightlyOptions {
  readonly clients: Clients;
  readonly config: Config;
  readonly ledger: Ledger;
  /** Starts an ordinary run. */
  readonly startRun: (fix: Fix) => Promise<unknown>;
  readonly log: Pick<Log, "info" | "warn">;
  readonly now: () => Date;
  /** How long no further loss of HikCentral is found before the site is compared again. */
  readonly settleMs?: number;
  readonly lookLimits?: LookLimits;
}

const noCounts = { employees: 0, differing: 0, fixable: 0, unmatched: 0, twins: 0, unchecked: 0 };
/** Of the whole site, and what can be fixed is. */
const ofNight = { dates: null, isFixed: true };
/** What becomes of those who can be fixed. */
export const fetchedAgain = (count: number) => `What is missing for ${count} of them is fetched again.`;

/** From now until the next time that the clocks of the site show `at` (HH:MM). */
export function msUntil(at: string, timeZone: string, now: Date): number {
  const here = now.toTemporalInstant().toZonedDateTimeISO(timeZone);
  const today = here.withPlainTime(at);
  const next = Temporal.ZonedDateTime.compare(today, here) > 0 ? today : here.add({ days: 1 }).withPlainTime(at);
  return next.epochMilliseconds - now.getTime();
}

/** Compares the whole site every night. What it finds becomes cases; what is missing goes out as ordinary runs. */
export class NightlyComparison implements Disposable {
  #timer: ReturnType<typeof setTimeout> | undefined;
  #settling: ReturnType<typeof setTimeout> | undefined;
  #running: Promise<void> = Promise.resolve();
  readonly #unwatch: () => void;
  readonly #closed = new AbortController();

  constructor(readonly options: NightlyOptions) {
    const { ledger, config, settleMs = 60_000 } = options;
    const settle = () => {
      clearTimeout(this.#settling);
      this.#settling = setTimeout(() => void this.run(), settleMs);
      this.#settling.unref();
    };
    // A restore shows while persons are made again: then there is more that is lost.
    this.#unwatch = config.verify.at === "never" ? () => {} : ledger.losses.onNoted(settle);
  }

  schedule(): void {
    const { config, now } = this.options;
    const { at } = config.verify;
    if (at === "never" || this.#closed.signal.aborted) return;
    this.#timer = setTimeout(
      () => void this.run().finally(() => this.schedule()),
      msUntil(at, config.site.timeZone, now()),
    );
    this.#timer.unref();
  }

  /** Never rejects. One after the other. */
  run(): Promise<void> {
    this.#running = this.#running.then(() => this.#run());
    return this.#running;
  }

  async #run(): Promise<void> {
    const { clients, config, ledger, startRun, log, now, lookLimits: limits = nightlyLooks } = this.options;
    const { signal } = this.#closed;
    const { days } = config.verify;
    const today = todayIn(config.site.timeZone, now());
    const dates = datesOf({ from: addDays(today, 1 - days), to: today, maxDays: days, today });
    try {
      const lost = await forgetLostWrites(clients, config, { ledger, signal });
      if (lost !== undefined) log.warn(lost);
      const recall: Recall = async (asked) => recallFrom(ledger, asked);
      const say = (text: string) => log.warn(text);
      const note: LookOptions["note"] = (...looked) => noteSource(ledger, ...looked);
      // Whom a short list does not show would be news in the next comparison, or no longer a case in this one.
      const areMembersSure = !hasBaseline(ledger.rows) || hasUnmatched(ledger.rows);
      const looks = { limits, note };
      const found = await compare(clients, config, { dates, signal, recall, say, looks, areMembersSure, now: now() });
      await noteIn(ledger, found);
      const counts = countsOf(found);
      noteComparison(ledger, { ...counts, at: now().toISOString(), trouble: null, ...ofNight });
      for (const fix of fixesOf(found)) await startRun(fix);
      log.info(sentenceOf(counts, fetchedAgain));
    } catch (error) {
      if (signal.aborted) return;
      const trouble = textOf(error);
      log.warn(`the nightly comparison ended early: ${trouble}; it is made again tomorrow`);
      noteComparison(ledger, { ...noCounts, at: now().toISOString(), trouble, ...ofNight });
    }
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#settling);
    this.#unwatch();
    this.#closed.abort();
  }
}

/** Opens and closes the cases. What could not be compared closes none. */
async function noteIn(ledger: Ledger, { differences, members, isWhole, unchecked }: Comparison): Promise<void> {
  const since = ledger.now().toISOString();
  const situations = differences.map(({ date, kib, ...one }) => ({
    ...one,
    kib: kib === noKib ? undefined : kib,
    inducted: date || undefined,
  }));
  for await (const some of inParts(situations)) ledger.found(some);
  const unseen = [
    ...(isWhole ? [] : ["kib_in_use", "kib_on_other_person"]),
    ...(unchecked === 0 ? [] : ["taken_away_in_hikcentral", "access_lost"]),
    ...(members ? [] : ["unmatched_member"]),
  ];
  closeSituations(ledger.rows, unseen, since, ledger.now().toISOString());
  if (members === undefined) return;
  for await (const some of inParts(members)) noteMembers(ledger, some);
  endBaseline(ledger.rows);
}
