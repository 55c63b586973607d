import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { BrokerDown, type Delivery, type Outgoing } from "../broker/broker.ts";
import type { FailureCode } from "../errors/codes.ts";
import { type Outcome, Reject, Retry, textOf } from "../errors.ts";
import type { Entry, TraceOutcome } from "../ledger/ledger.ts";
import { subjectOf } from "../ledger/subjects.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { type Context, end, isEnd, type StageLog } from "../stage.ts";
import { untilAborted } from "../util/abort.ts";
import { parseJson } from "../util/exact-json.ts";
import type { ConsumeSession } from "./consume-session.ts";
import { batches, checkFor, entriesOf, outgoing } from "./emit.ts";
import { appendFailure, decodeHeaders, type Envelope, encodeHeaders, peopleOfPage, personOf } from "./envelope.ts";
import { journalKey, maxCrashes } from "./in-flight-journal.ts";
import { type Decision, decide, toFailure } from "./retry/policy.ts";
import { deadQueueOf, retryQueueOf } from "./retry/queues.ts";
import { type PipelineDeps, whenAsked } from "./stage-context.ts";

const defaultDeadlineMs = 10 * 60_000;

/** One message in one stage: parse → run → publish → acknowledge last. */
export class DeliveryHandler {
  /** Ends the stage's run. */
  readonly #runAbort = new AbortController();
  /** Ends every waiting for this message: it goes back. */
  readonly #deliveryAbort = new AbortController();
  readonly #key: string;
  readonly #body: unknown;
  readonly #envelope: Envelope;
  readonly #log;
  readonly #warnings: Reason[] = [];
  #pendingLogs: (() => void)[] = [];

  constructor(
    readonly registered: RegisteredStage,
    readonly deps: PipelineDeps,
    readonly delivery: Delivery,
    readonly session: ConsumeSession,
    /** Aborts when the daemon waits no longer for what is in hand. */
    readonly hardStop: AbortSignal,
  ) {
    this.#body = bodyOf(delivery);
    this.#envelope = decodeHeaders(delivery, this.#body, deps.now());
    this.#log = deps.log.child({ stage: registered.stage.name, run: this.#envelope.run, kib: this.#envelope.kib });
    this.#key = journalKey(registered.stage.name, this.#envelope.id);
  }

  abort(reason: string): void {
    this.#runAbort.abort(new Error(reason));
  }

  #release(reason: string): void {
    this.abort(reason);
    this.#deliveryAbort.abort(new Error(reason));
  }

  async handle(): Promise<Outcome> {
    const { delivery, registered, deps } = this;
    const startedAt = performance.now();
    const revoked = () => this.#release("the broker took the message back");
    const late = () => this.#release("the daemon is stopping");
    delivery.revoked.addEventListener("abort", revoked, { once: true });
    this.hardStop.addEventListener("abort", late, { once: true });
    const limit = setTimeout(() => this.#release("it was in hand for too long"), deps.holdForMs);
    if (delivery.revoked.aborted) revoked();
    if (this.hardStop.aborted) late();
    try {
      const outcome = await this.#handle().catch((error: unknown) => {
        if (!this.#deliveryAbort.signal.aborted)
          this.#log.error(`a message goes back to ${registered.stage.queue}: ${textOf(error)}`);
        return this.#requeue();
      });
      deps.metrics.passed(registered.stage.name, outcome, performance.now() - startedAt);
      return outcome;
    } finally {
      clearTimeout(limit);
      delivery.revoked.removeEventListener("abort", revoked);
      this.hardStop.removeEventListener("abort", late);
      deps.journal.requeue(this.#key);
    }
  }

  async #handle(): Promise<Outcome> {
    const { delivery, session, registered, deps } = this;
    const lockKey = this.#envelope.code ?? (personOf(this.#body) && this.#envelope.id);
    using _lock = lockKey === undefined ? undefined : await deps.locks.acquire(lockKey, this.#deliveryAbort.signal);
    const deadlineMs = registered.stage.deadlineMs ?? defaultDeadlineMs;
    const late = new Retry("stage_timeout", `${registered.stage.name} took longer than ${deadlineMs} ms`);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      if (session.isOver) return this.#requeue();
      await this.#journal();
      if (session.isOver) return this.#requeue();
      timer = setTimeout(() => this.#runAbort.abort(late), deadlineMs);
      const result = await this.#run();
      await this.#emit(result);
      const outcome = isEnd(result) ? "ended" : "done";
      await this.#record(outcome, isEnd(result) ? { code: "ended", text: result.reason } : undefined);
      delivery.ack();
      deps.journal.settle(this.#key);
      const isLast = outcome === "ended" || !registered.successors.some(({ enabledHere }) => enabledHere);
      if (isLast && personOf(this.#body)) deps.metrics.personDone();
      return outcome;
    } catch (thrown) {
      return await this.#fail(this.#runAbort.signal.reason === late ? late : thrown);
    } finally {
      clearTimeout(timer);
    }
  }

  async #journal(): Promise<void> {
    const { journal } = this.deps;
    const { name } = this.registered.stage;
    if (journal.crashesOf(this.#key) >= maxCrashes) {
      const text = `${name} had it in hand at ${maxCrashes} abrupt ends of the daemon; find out what in it ends the daemon, e.g. its photo, then replay it`;
      throw new Reject("crashed_daemon", text);
    }
    await journal.begin(this.#key, this.#runAbort.signal);
  }

  async #run(): Promise<unknown> {
    const { stage } = this.registered;
    if (this.deps.ledger.isCancelled(this.#envelope.run)) return end("cancelled");
    if (this.#body === undefined)
      throw new Reject("bad_message", `the message is not JSON; mend who publishes to ${stage.queue}`);
    const parsed = v.safeParse(stage.message, this.#body);
    if (!parsed.success) {
      const wrong = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "the message"} must be ${issue.expected}`);
      throw new Reject(
        "bad_message",
        `the message does not fit ${stage.name}: ${wrong.join(", ")}; mend who publishes to ${stage.queue}`,
      );
    }
    // A stage that does not listen to its signal is left behind: its message does not wait for it.
    return await untilAborted(Promise.resolve(stage.run(parsed.output, this.#context())), this.#runAbort.signal);
  }

  #context(): Context<never> {
    const { deps, registered } = this;
    const signal = this.#runAbort.signal;
    const superseded = deps.ledger.superseded(registered.stage.name, this.#envelope.code, this.#envelope.fetchedAt);
    const meta = { ...this.#envelope, superseded };
    const { debug, warn, error, info } = this.#log;
    const log: StageLog = {
      debug: (text) => debug(text),
      info: (text) => void this.#pendingLogs.push(() => info(text)),
      warn: (text) => warn(text),
      error: (text) => error(text),
      detail: (text) => void this.#pendingLogs.push(() => (deps.locks.size > 1 ? debug(text) : info(text))),
    };
    const warnOf = (code: FailureCode, text: string) => {
      this.#warnings.push({ code, text });
      warn(text, { code });
    };
    const own = { options: registered.options as never, meta, log, signal, dryRun: false, warn: warnOf };
    return Object.assign(whenAsked(deps.clients(signal, meta)), own);
  }

  /** What the stage said is printed as it becomes true: with each batch that is confirmed. */
  async #emit(result: unknown): Promise<void> {
    const { stage, successors } = this.registered;
    const { ledger, now } = this.deps;
    if (!isEnd(result)) {
      if (result === undefined && successors.length > 0) {
        throw new Reject("no_result", `${stage.name} returned nothing; return end("reason") where that is meant`);
      }
      const fromPerson = personOf(this.#body) !== undefined;
      let index = 0;
      let fetchedAt = stage.fetches ? now() : this.#envelope.fetchedAt;
      for await (const batch of batches(result, this.#runAbort.signal)) {
        this.#runAbort.signal.throwIfAborted();
        for (const message of batch) checkFor(successors, message, stage.name);
        const from = { ...this.#envelope, fetchedAt };
        const out = batch.map((message) => outgoing(message, index++, from, fromPerson));
        for (const { stage: next } of successors) await this.#publishInPlace(next.queue, out);
        if (!fromPerson && successors.length > 0) {
          const base = { ...this.#entry("done"), fetchedAt };
          await ledger.record(...batch.flatMap((message, at) => entriesOf(message, out[at]?.id ?? "", base)));
        }
        if (stage.fetches) fetchedAt = now();
        this.session.lastProgressAt = performance.now();
        this.#printLogs();
      }
    }
    this.#printLogs();
  }

  #printLogs(): void {
    for (const line of this.#pendingLogs.splice(0)) line();
  }

  /** Repeated until it is confirmed: the stage is not run again for it. Given up only with the message itself. */
  async #publishInPlace(queue: string, messages: readonly Outgoing[]): Promise<void> {
    const { broker } = this.deps;
    const { signal } = this.#deliveryAbort;
    for (let waitMs = 100; ; waitMs = Math.min(2 * waitMs, 5_000)) {
      try {
        // In an alarm RabbitMQ confirms nothing until it is over.
        return await untilAborted(broker.publish(queue, messages), signal);
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof BrokerDown)) {
          this.#log.warn(`publishing to ${queue} is repeated: ${textOf(error)}`);
          await broker.declare([queue]).catch(() => {});
        }
        await sleep(waitMs, undefined, { signal });
      }
    }
  }

  async #fail(thrown: unknown): Promise<Outcome> {
    const failure = toFailure(thrown);
    if (this.delivery.revoked.aborted) return "requeued";
    if (this.#runAbort.signal.aborted && failure.code !== "stage_timeout") return this.#requeue();
    const suspect = failure instanceof Retry ? this.deps.breakers.get(failure.suspect ?? "") : undefined;
    const suspectIsDown = (await suspect?.isDown()) ?? false;
    const decision = decide(failure, { attempt: this.#envelope.attempt, suspectIsDown, delays: this.deps.delays });
    if (decision.do === "pause") {
      this.session.end(decision);
      return this.#requeue();
    }
    const { do: outcome, code, text } = decision;
    const { pause } = this.session;
    // What was in hand at the twentieth failure, and fails like it, is not charged for it any more.
    if (pause?.reason === "streak" && pause.code === code) return this.#requeue();
    this.session.failed({ id: this.#envelope.id, code, text });
    await this.#defer(decision);
    await this.#record(outcome, decision);
    this.delivery.ack();
    this.deps.journal.settle(this.#key);
    this.deps.metrics.charged(this.registered.stage.name, code, outcome === "dead");
    return outcome;
  }

  /** n.b. Only once no more deliveries come, or the broker would hand it out again at once. */
  async #requeue(): Promise<Outcome> {
    if (this.session.isOver) await this.session.whenConsumerStopped;
    this.delivery.requeue();
    return "requeued";
  }

  async #defer(decision: Exclude<Decision, { do: "pause" }>): Promise<void> {
    const { stage } = this.registered;
    const { now, log } = this.deps;
    const { code, text } = decision;
    const record = { at: now().toISOString(), stage: stage.name, code, text: log.mask(text) };
    const { attempt, history } = this.#envelope;
    const next = { ...this.#envelope, attempt: attempt + 1, history: appendFailure(history, record), dueAt: undefined };
    const again = decision.do === "retry";
    this.#log[again ? "warn" : "error"](`${text} (${again ? `again in ${decision.delay.label}` : "dead letter"})`, {
      code,
    });
    const queue = again ? retryQueueOf(stage.queue, decision.delay) : deadQueueOf(stage.queue);
    const headers = encodeHeaders(again ? { ...next, dueAt: new Date(now().getTime() + decision.delay.ms) } : next);
    await this.#publishInPlace(queue, [{ body: this.delivery.body, headers }]);
  }

  #entry(outcome: TraceOutcome): Entry {
    const { id: item, run, code, kib, attempt, fetchedAt } = this.#envelope;
    const kind = peopleOfPage(this.#body) ? "page" : subjectOf(personOf(this.#body)).kind;
    const stage = this.registered.stage.name;
    return { run, item, kind, code, kib, stage, outcome, at: this.deps.now(), attempt, fetchedAt };
  }

  async #record(outcome: TraceOutcome, why?: Reason): Promise<void> {
    const masked = ({ code, text }: Reason) => ({ code, text: this.deps.log.mask(text) });
    const warnings = why === undefined || outcome === "ended" ? this.#warnings : [];
    for (const { code } of warnings) this.deps.metrics.warned(code);
    const entries = warnings.map((warning) => ({ ...this.#entry("warning"), failure: masked(warning) }));
    const entry = { ...this.#entry(outcome), ...(why && { failure: masked(why) }) };
    // A page that goes no further keeps everybody on it.
    const all = outcome !== "done" && entry.kind === "page" ? entriesOf(this.#body, entry.item, entry) : [entry];
    await this.deps.ledger.record(...entries, ...all);
  }
}

type Reason = { code: FailureCode; text: string };

/** Undefined where it is not JSON. */
export function bodyOf({ body }: Pick<Delivery, "body">): unknown {
  try {
    return parseJson(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}
