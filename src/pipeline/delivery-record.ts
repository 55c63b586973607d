import { employeeNameOf } from "../ledger/cases/record.ts";
import type { Entry, TraceOutcome } from "../ledger/subjects.ts";
import { inParts } from "../util/turns/in-parts.ts";
import { type Emitted, entriesOf } from "./emit.ts";
import type { Envelope } from "./envelope.ts";
import type { HandlerDeps, Reason, StageOutput } from "./stage-context.ts";

/** Each takes a fifth of a millisecond in the ledger, and a page has a hundred. */
const recordedAtATime = 8;

/** Why, and what the ledger must know of it. */
type OutcomeFacts = Pick<Entry, "end" | "isKnownLetter" | "isThrough"> & {
  why?: Reason | undefined;
  lacks?: Reason | undefined;
};

/** Records one delivery in the ledger and the metrics. */
export class DeliveryRecord {
  constructor(
    readonly deps: Pick<HandlerDeps, "ledger" | "metrics" | "log" | "now">,
    readonly stage: string,
    readonly envelope: Envelope,
    readonly body: unknown,
    readonly output: Pick<StageOutput, "warnings">,
  ) {}

  /** Records a page, or the employees of a page, before their own stage has them. */
  async emitted(batch: readonly Emitted[], fetchedAt: Date | undefined): Promise<void> {
    const base = { ...this.#entry("done"), fetchedAt };
    const entries = batch.flatMap((one) => entriesOf(one, base));
    for await (const part of inParts(entries, recordedAtATime)) await this.deps.ledger.record(...part);
  }

  async outcome(outcome: TraceOutcome, { why, lacks, ...facts }: OutcomeFacts): Promise<void> {
    const warnings = why === undefined || outcome === "ended" ? this.output.warnings : [];
    for (const { code } of warnings) this.deps.metrics.warned(code);
    const entries = warnings.map((warning) => ({ ...this.#entry("warning"), failure: this.#masked(warning) }));
    const { firstSeenAt: since } = this.envelope;
    const entry = {
      ...this.#entry(outcome),
      ...facts,
      ...(why && { failure: this.#masked(why) }),
      ...(lacks && { lacks: { ...this.#masked(lacks), since } }),
    };
    const { id, record, kind, code, kib, inducted, repeat, repeats } = this.envelope;
    // A page that ends here ends for all of its employees.
    const isWholePage = outcome !== "done" && kind === "page";
    const all = isWholePage
      ? entriesOf({ id, record, kind, code, kib, inducted, repeat, repeats, message: this.body }, entry)
      : [entry];
    await this.deps.ledger.record(...entries, ...all);
  }

  #entry(outcome: TraceOutcome): Entry {
    const { id, kind, run, code, kib, attempt, fetchedAt, inducted, repeat } = this.envelope;
    const { stage, deps } = this;
    // A fetch with a warning missed somebody.
    const isWhole = kind !== "task" || this.output.warnings.length === 0;
    const order = { fetchedAt, inducted: isWhole ? inducted : undefined, repeat };
    const record = this.envelope.record ?? id;
    const name = employeeNameOf(this.body);
    return { run, item: id, kind, code, kib, record, name, stage, outcome, at: deps.now(), attempt, ...order };
  }

  #masked({ code, text }: Reason) {
    return { code, text: this.deps.log.mask(text) };
  }
}
