import type { Delivery, Outgoing } from "../broker/broker.ts";
import { type Outcome, Retry, textOf } from "../errors.ts";
import type { StageEnd } from "../ledger/subjects.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { end, isEnd } from "../stage.ts";
import { untilAborted } from "../util/abort.ts";
import { Deadline } from "../util/deadline.ts";
import { fewAtATurn } from "../util/turns/few-at-a-turn.ts";
import type { ConsumeSession } from "./consume-session.ts";
import { DeliveryRecord } from "./delivery-record.ts";
import { emissions, followUp, outgoing, publishUntilConfirmed } from "./emit.ts";
import { bodyOf, decodeHeaders, type Envelope } from "./envelope.ts";
import { journalKey } from "./in-flight-journal.ts";
import { limitsOf } from "./limits.ts";
import { deferred } from "./retry/deferred.ts";
import { type Decision, decide, toFailure } from "./retry/policy.ts";
import { createContext, type HandlerDeps, parsed, type Reason, StageOutput } from "./stage-context.ts";

const defaultDeadlineMs = 10 * 60_000;
/** Forty that come at once, or whose answers did, would keep everything else waiting for 50 ms and more. */
const [toBegin, toEnd] = [fewAtATurn(4), fewAtATurn(4)];
/** What is put off for longer is not waited for before it is said. */
const longestUnsaidMs = 60_000;

export interface HandlerOptions {
  readonly registered: RegisteredStage;
  readonly deps: HandlerDeps;
  readonly delivery: Delivery;
  readonly session: Pick<ConsumeSession, "isOver" | "canary" | "pause" | "end" | "charge" | "doubts" | "progress">;
  /** The message was run before and kept in progress through a pause. */
  readonly isRerun?: boolean;
  /** Aborts when the daemon no longer waits for work in progress. */
  readonly hardStop: AbortSignal;
}

/** One delivery in one stage: lock → journal → parse → run → emit → record → acknowledge last. */
export class DeliveryHandler {
  /** Aborts the stage's run. */
  readonly #runAbort = new AbortController();
  /** Aborts everything for this delivery, publishing included; it is requeued. */
  readonly #deliveryAbort = new AbortController();
  readonly #body: unknown;
  readonly #envelope: Envelope;
  readonly #output: StageOutput;
  readonly #record: DeliveryRecord;
  readonly #journalKey: string;
  #deadline: Deadline | undefined;
  #isCancelled = false;

  constructor(readonly options: HandlerOptions) {
    const { deps, registered, delivery, isRerun = false } = options;
    this.#body = bodyOf(delivery);
    const envelope = decodeHeaders(delivery, this.#body, deps.now());
    this.#envelope = isRerun ? { ...envelope, again: true } : envelope;
    const { run, kib, id } = envelope;
    const log = deps.log.child({ stage: registered.stage.name, run, kib });
    this.#output = new StageOutput(log, () => deps.locks.size <= 1);
    this.#record = new DeliveryRecord(deps, registered.stage.name, this.#envelope, this.#body, this.#output);
    this.#journalKey = journalKey(registered.stage.name, id);
  }

  get id(): string {
    return this.#envelope.id;
  }

  /** Ends the stage's run: the delivery is requeued, uncounted. */
  abort(reason: string): void {
    this.#runAbort.abort(new Error(reason));
  }

  /** Resolves to the outcome. `requeued`: the delivery is not settled and comes again, uncounted. */
  async handle(): Promise<Outcome> {
    const { deps, registered, delivery, hardStop } = this.options;
    const startedAt = performance.now();
    // See build.ts: from the first work on it pays.
    Bun.unsafe.setJITPolicy(1);
    using _limits = limitsOf({ delivery, hardStop, holdForMs: deps.holdForMs }, (reason) => {
      this.abort(reason);
      this.#deliveryAbort.abort(new Error(reason));
    });
    try {
      const outcome = await this.#process().catch((error: unknown): Outcome => {
        if (!this.#deliveryAbort.signal.aborted)
          this.#output.own.error(`a message of ${registered.stage.queue} is requeued: ${textOf(error)}`);
        return "requeued";
      });
      deps.metrics.passed(registered.stage.name, outcome, performance.now() - startedAt);
      return outcome;
    } finally {
      deps.journal.requeue(this.#journalKey);
    }
  }

  async #process(): Promise<Outcome> {
    const { deps, registered, session } = this.options;
    const { stage } = registered;
    using _lock = await this.#lock();
    await toBegin();
    if (session.isOver) return "requeued";
    const deadlineMs = stage.deadlineMs ?? defaultDeadlineMs;
    const late = new Retry("stage_timeout", `${stage.name} took longer than ${deadlineMs} ms`);
    try {
      await deps.journal.begin(stage.name, this.#journalKey, this.#runAbort.signal);
      session.progress();
      if (session.isOver) return "requeued";
      using deadline = new Deadline(deadlineMs, () => this.#runAbort.abort(late));
      this.#deadline = deadline;
      const result = await this.#run(parsed(this.#body, stage));
      await toEnd();
      await this.#emit(result);
      const outcome = isEnd(result) ? "ended" : "done";
      return await this.#settle(outcome, isEnd(result) ? { code: "ended", text: result.reason } : undefined);
    } catch (thrown) {
      return await this.#fail(this.#runAbort.signal.reason === late ? late : thrown);
    }
  }

  /** One message of a person at a time, in all stages: two could overwrite each other. */
  async #lock(): Promise<Disposable | undefined> {
    const { kind, code, id } = this.#envelope;
    if (kind !== "person" && kind !== "follow") return undefined;
    const lock = await this.options.deps.locks.acquire(code ?? id, this.#deliveryAbort.signal);
    this.options.session.progress();
    return lock;
  }

  /** How the stage ended, for the cases of the record. */
  get #end(): StageEnd {
    const { warnings, followUps } = this.#output;
    const isHandedOver = (name: string) => followUps.some(({ stage }) => stage === name);
    const followers = this.options.registered.followers.map(({ stage }) => stage.name);
    return {
      warned: warnings.map(({ code }) => code),
      notFollowed: followers.filter((name) => !isHandedOver(name)),
      goesOn: followUps.flatMap(({ stage, lacks }) => (lacks === undefined ? [] : [{ stage, code: lacks }])),
    };
  }

  async #run(message: unknown): Promise<unknown> {
    const { deps, registered, session } = this.options;
    this.#isCancelled = deps.ledger.isCancelled(this.#envelope.run);
    if (this.#isCancelled) return end("cancelled");
    const { signal } = this.#runAbort;
    const caller = {
      signal,
      rank: deps.arrivals.of(this.#envelope.id, this.options.delivery.takenAt),
      progress: session.progress,
      waiting: () => {
        const held = new DisposableStack();
        held.use(this.#deadline?.hold());
        held.use(deps.journal.waiting(this.#journalKey));
        return held;
      },
    };
    const context = createContext(deps, registered, this.#envelope, { caller, output: this.#output });
    // A stage that ignores its signal is left behind: the delivery does not wait for it.
    return await untilAborted(Promise.resolve(registered.stage.run(message as never, context)), signal);
  }

  /** The log lines of the stage are printed once they are true: with each confirmed batch. */
  async #emit(result: unknown): Promise<void> {
    const { deps, registered, session } = this.options;
    const from = this.#envelope;
    let fetchedAt = registered.stage.fetches ? deps.now() : from.fetchedAt;
    for await (const batch of isEnd(result) ? [] : emissions(result, from, registered, this.#runAbort.signal)) {
      const messages = batch.filter(({ ends }) => ends === undefined).map((one) => outgoing(one, from, fetchedAt));
      for (const { stage } of registered.successors)
        if (messages.length > 0) await this.#publish(stage.queue, messages);
      if (from.kind !== "person") await this.#record.emitted(batch, fetchedAt);
      if (registered.stage.fetches) fetchedAt = deps.now();
      session.progress();
      await this.#output.print();
    }
    for (const one of this.#output.followUps) {
      const follower = registered.followers.find(({ stage }) => stage.name === one.stage);
      if (follower) await this.#publish(follower.stage.queue, [followUp(this.options.delivery.body, from, one)]);
    }
    await this.#output.print();
  }

  async #publish(queue: string, messages: readonly Outgoing[]): Promise<void> {
    const say = (text: string) => this.#output.own.warn(text);
    // The deadline of the stage does not count the time that the broker is away.
    using _waiting = this.#deadline?.hold();
    const { signal } = this.#deliveryAbort;
    await publishUntilConfirmed(this.options.deps.broker, queue, messages, { signal, say });
  }

  async #fail(thrown: unknown): Promise<Outcome> {
    const { deps, registered, delivery, session } = this.options;
    const failure = toFailure(thrown);
    if (delivery.revoked.aborted) return "requeued";
    if (this.#runAbort.signal.aborted && failure.code !== "stage_timeout") return "requeued";
    const breaker = failure instanceof Retry ? deps.breakers.get(failure.suspect ?? "") : undefined;
    const suspectIsDown = (await breaker?.isDown()) ?? false;
    const doubt = () => session.doubts.judge(this.#envelope.id, failure.code);
    const { attempt } = this.#envelope;
    const decision = decide(failure, { attempt, suspectIsDown, delays: deps.delays, doubt });
    if (decision.do === "pause") {
      session.end(decision);
      return "requeued";
    }
    const { code, text } = decision;
    if (decision.do === "wait") {
      await this.#defer(decision);
      return await this.#settle("retry", { code, text });
    }
    const { do: outcome } = decision;
    // After the twentieth failure, further messages in progress that fail alike are not charged.
    if (session.pause?.reason === "streak" && session.pause.code === code) return "requeued";
    session.charge({ id: this.#envelope.id, code, text });
    const isKnownLetter = await this.#defer(decision);
    const lacks = failure instanceof Retry && this.#isCase(decision) ? failure.lacks : undefined;
    await this.#settle(outcome, { code, text }, { isKnownLetter, lacks });
    deps.metrics.charged(registered.stage.name, code, outcome === "dead" && !isKnownLetter);
    return outcome;
  }

  /** Whether what is tried again is a problem of this message by now, and not of many. */
  #isCase(decision: Decision): boolean {
    const { session } = this.options;
    if (decision.do !== "retry" || session.canary || session.pause !== undefined) return false;
    return this.#envelope.attempt > 0 || decision.delay.ms > longestUnsaidMs;
  }

  /** Whether its dead letter is known to be there already, so that no second one is needed. */
  async #defer(decision: Exclude<Decision, { do: "pause" }>): Promise<boolean> {
    const { deps, registered, delivery } = this.options;
    const { code, text } = decision;
    const failed = { envelope: this.#envelope, body: delivery.body, message: this.#body };
    const { queue, headers, next, letter } = deferred(decision, failed, registered.stage, deps);
    const isKnown = letter !== undefined && (await deps.letters.has(letter));
    this.#output.own[letter ? "error" : "warn"](`${text} (${isKnown ? "dead letter, as before" : next})`, { code });
    if (isKnown) return true;
    // Also where it fails: the message may be there.
    await this.#publish(queue, [{ body: delivery.body, headers }]).finally(() => deps.onDeferred(queue));
    if (letter) deps.letters.add(letter);
    return false;
  }

  /** Recorded in the ledger, then acknowledged: everything that follows from the message is confirmed by now. */
  async #settle(
    outcome: Exclude<Outcome, "requeued">,
    why?: Reason,
    more: { isKnownLetter?: boolean; lacks?: Reason | undefined } = {},
  ): Promise<Outcome> {
    const { deps, registered, delivery } = this.options;
    const isLast = outcome === "ended" || !registered.successors.some(({ enabledHere }) => enabledHere);
    const facts = { why, ...more, isThrough: isLast, ...(this.#isCancelled ? {} : { end: this.#end }) };
    await this.#record.outcome(outcome, facts);
    delivery.ack();
    deps.journal.settle(this.#journalKey);
    const { id, kind } = this.#envelope;
    if (isLast || outcome !== "done" || kind !== "person") deps.arrivals.forget(id);
    if (outcome !== "retry" && outcome !== "dead" && isLast && kind === "person") deps.metrics.personDone();
    return outcome;
  }
}
