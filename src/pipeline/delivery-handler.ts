import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { BrokerDown, type Delivery, type Outgoing } from "../broker/broker.ts";
import { Reject, Retry, textOf } from "../errors.ts";
import { type Entry, type Outcome, subjectOf } from "../ledger/ledger.ts";
import type { Placed } from "../registry/registry.ts";
import { type Context, end, isEnd, type StageLog } from "../stage.ts";
import { untilAborted } from "../util/abort.ts";
import { parseJson } from "../util/exact-json.ts";
import type { Round } from "./consume-session.ts";
import { batches, checkFor, entriesOf, outgoing } from "./emit.ts";
import { peopleOfPage, personOf, readMeta, remember, type Tracked, writeMeta } from "./envelope.ts";
import { endsToGiveUp, handKey } from "./in-flight-journal.ts";
import { type Decision, decide, failureOf } from "./retry/policy.ts";
import { deadQueueOf, waitQueueOf } from "./retry/queues.ts";
import { type Shop, whenAsked } from "./stage-context.ts";

const defaultDeadlineMs = 10 * 60_000;

/** What became of a message, for whoever watches the stage as a whole. */
export type Passed = "done" | "ended" | "gone back" | "retry" | "dead";

/** One message in one stage: parse → run → publish → acknowledge last. */
export class Passage {
  /** Ends the stage's run. */
  readonly #hand = new AbortController();
  /** Ends every waiting for this message: it goes back. */
  readonly #limit = new AbortController();
  readonly #key: string;
  readonly #body: unknown;
  readonly #meta: Tracked;
  readonly #log;
  readonly #warnings: Mishap[] = [];
  #said: (() => void)[] = [];

  constructor(
    readonly placed: Placed,
    readonly shop: Shop,
    readonly delivery: Delivery,
    readonly round: Round,
    /** Aborts when the daemon waits no longer for what is in hand. */
    readonly giveUp: AbortSignal,
  ) {
    this.#body = bodyOf(delivery);
    this.#meta = readMeta(delivery, this.#body, shop.now());
    this.#log = shop.log.child({ stage: placed.stage.name, run: this.#meta.run, kib: this.#meta.kib });
    this.#key = handKey(placed.stage.name, this.#meta.id);
  }

  abort(reason: string): void {
    this.#hand.abort(new Error(reason));
  }

  #letGo(reason: string): void {
    this.abort(reason);
    this.#limit.abort(new Error(reason));
  }

  async pass(): Promise<Passed> {
    const { delivery, placed, shop } = this;
    const startedAt = performance.now();
    const lost = () => this.#letGo("the broker took the message back");
    const late = () => this.#letGo("the daemon is stopping");
    delivery.lost.addEventListener("abort", lost, { once: true });
    this.giveUp.addEventListener("abort", late, { once: true });
    const limit = setTimeout(() => this.#letGo("it was in hand for too long"), shop.holdForMs);
    if (delivery.lost.aborted) lost();
    if (this.giveUp.aborted) late();
    try {
      const passed = await this.#pass().catch((error: unknown) => {
        if (!this.#limit.signal.aborted)
          this.#log.error(`a message goes back to ${placed.stage.queue}: ${textOf(error)}`);
        return this.#goBack();
      });
      shop.metrics.passed(placed.stage.name, passed, performance.now() - startedAt);
      return passed;
    } finally {
      clearTimeout(limit);
      delivery.lost.removeEventListener("abort", lost);
      this.giveUp.removeEventListener("abort", late);
      shop.hands.goBack(this.#key);
    }
  }

  async #pass(): Promise<Passed> {
    const { delivery, round, placed, shop } = this;
    const somebody = this.#meta.code ?? (personOf(this.#body) && this.#meta.id);
    using _turn = somebody === undefined ? undefined : await shop.turns.take(somebody, this.#limit.signal);
    const deadlineMs = placed.stage.deadlineMs ?? defaultDeadlineMs;
    const late = new Retry("stage_timeout", `${placed.stage.name} took longer than ${deadlineMs} ms`);
    let timer: ReturnType<typeof setTimeout> | undefined;
    try {
      if (round.over) return this.#goBack();
      await this.#take();
      if (round.over) return this.#goBack();
      timer = setTimeout(() => this.#hand.abort(late), deadlineMs);
      const result = await this.#run();
      await this.#publish(result);
      const outcome = isEnd(result) ? "ended" : "done";
      await this.#record(outcome, isEnd(result) ? { code: "ended", text: result.reason } : undefined);
      delivery.ack();
      shop.hands.settle(this.#key);
      const isLast = outcome === "ended" || !placed.successors.some(({ consumed }) => consumed);
      if (isLast && personOf(this.#body)) shop.metrics.personDone();
      return outcome;
    } catch (thrown) {
      return await this.#fail(this.#hand.signal.reason === late ? late : thrown);
    } finally {
      clearTimeout(timer);
    }
  }

  async #take(): Promise<void> {
    const { hands } = this.shop;
    const { name } = this.placed.stage;
    if (hands.endsOf(this.#key) >= endsToGiveUp) {
      const text = `${name} had it in hand at ${endsToGiveUp} abrupt ends of the daemon; find out what in it ends the daemon, e.g. its photo, then replay it`;
      throw new Reject("crashed_daemon", text);
    }
    await hands.take(this.#key, this.#hand.signal);
  }

  async #run(): Promise<unknown> {
    const { stage } = this.placed;
    if (this.shop.ledger.isCancelled(this.#meta.run)) return end("cancelled");
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
    return await untilAborted(Promise.resolve(stage.run(parsed.output, this.#context())), this.#hand.signal);
  }

  #context(): Context<never> {
    const { shop, placed } = this;
    const signal = this.#hand.signal;
    const superseded = shop.ledger.superseded(placed.stage.name, this.#meta.code, this.#meta.fetchedAt);
    const meta = { ...this.#meta, superseded };
    const { debug, warn, error, info } = this.#log;
    const log: StageLog = {
      debug: (text) => debug(text),
      info: (text) => void this.#said.push(() => info(text)),
      warn: (text) => warn(text),
      error: (text) => error(text),
      detail: (text) => void this.#said.push(() => (shop.turns.size > 1 ? debug(text) : info(text))),
    };
    const warnOf = (code: string, text: string) => {
      this.#warnings.push({ code, text });
      warn(text, { code });
    };
    const own = { options: placed.options as never, meta, log, signal, dryRun: false, warn: warnOf };
    return Object.assign(whenAsked(shop.clients(signal, meta)), own);
  }

  /** What the stage said is printed as it becomes true: with each batch that is confirmed. */
  async #publish(result: unknown): Promise<void> {
    const { stage, successors } = this.placed;
    const { ledger, now } = this.shop;
    if (!isEnd(result)) {
      if (result === undefined && successors.length > 0) {
        throw new Reject("no_result", `${stage.name} returned nothing; return end("reason") where that is meant`);
      }
      const fromPerson = personOf(this.#body) !== undefined;
      let index = 0;
      let fetchedAt = stage.fetches ? now() : this.#meta.fetchedAt;
      for await (const batch of batches(result, this.#hand.signal)) {
        this.#hand.signal.throwIfAborted();
        for (const message of batch) checkFor(successors, message, stage.name);
        const from = { ...this.#meta, fetchedAt };
        const out = batch.map((message) => outgoing(message, index++, from, fromPerson));
        for (const { stage: next } of successors) await this.#publishInPlace(next.queue, out);
        if (!fromPerson && successors.length > 0) {
          const base = { ...this.#entry("done"), fetchedAt };
          await ledger.record(...batch.flatMap((message, at) => entriesOf(message, out[at]?.id ?? "", base)));
        }
        if (stage.fetches) fetchedAt = now();
        this.round.movedAt = performance.now();
        this.#print();
      }
    }
    this.#print();
  }

  #print(): void {
    for (const line of this.#said.splice(0)) line();
  }

  /** Repeated until it is confirmed: the stage is not run again for it. Given up only with the message itself. */
  async #publishInPlace(queue: string, messages: readonly Outgoing[]): Promise<void> {
    const { broker } = this.shop;
    const { signal } = this.#limit;
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

  async #fail(thrown: unknown): Promise<Passed> {
    const failure = failureOf(thrown);
    if (this.delivery.lost.aborted) return "gone back";
    if (this.#hand.signal.aborted && failure.code !== "stage_timeout") return this.#goBack();
    const suspect = failure instanceof Retry ? this.shop.upstreams.get(failure.suspect ?? "") : undefined;
    const suspectIsDown = (await suspect?.isDown()) ?? false;
    const decision = decide(failure, { attempt: this.#meta.attempt, suspectIsDown, delays: this.shop.delays });
    if (decision.do === "pause") {
      this.round.end(decision);
      return this.#goBack();
    }
    const { do: outcome, code, text } = decision;
    const { pause } = this.round;
    // What was in hand at the twentieth failure, and fails like it, is not charged for it any more.
    if (pause?.reason === "streak" && pause.code === code) return this.#goBack();
    this.round.failed({ id: this.#meta.id, code, text });
    await this.#defer(decision);
    await this.#record(outcome, decision);
    this.delivery.ack();
    this.shop.hands.settle(this.#key);
    this.shop.metrics.charged(this.placed.stage.name, code, outcome === "dead");
    return outcome;
  }

  /** n.b. Only once no more deliveries come, or the broker would hand it out again at once. */
  async #goBack(): Promise<Passed> {
    if (this.round.over) await this.round.quiet;
    this.delivery.putBack();
    return "gone back";
  }

  async #defer(decision: Exclude<Decision, { do: "pause" }>): Promise<void> {
    const { stage } = this.placed;
    const { now, log } = this.shop;
    const { code, text } = decision;
    const mishap = { at: now().toISOString(), stage: stage.name, code, text: log.mask(text) };
    const { attempt, history } = this.#meta;
    const next = { ...this.#meta, attempt: attempt + 1, history: remember(history, mishap), dueAt: undefined };
    const again = decision.do === "retry";
    this.#log[again ? "warn" : "error"](`${text} (${again ? `again in ${decision.delay.label}` : "dead letter"})`, {
      code,
    });
    const queue = again ? waitQueueOf(stage.queue, decision.delay) : deadQueueOf(stage.queue);
    const headers = writeMeta(again ? { ...next, dueAt: new Date(now().getTime() + decision.delay.ms) } : next);
    await this.#publishInPlace(queue, [{ body: this.delivery.body, headers }]);
  }

  #entry(outcome: Outcome): Entry {
    const { id: item, run, code, kib, attempt, fetchedAt } = this.#meta;
    const kind = peopleOfPage(this.#body) ? "page" : subjectOf(personOf(this.#body)).kind;
    const stage = this.placed.stage.name;
    return { run, item, kind, code, kib, stage, outcome, at: this.shop.now(), attempt, fetchedAt };
  }

  async #record(outcome: Outcome, why?: Mishap): Promise<void> {
    const masked = ({ code, text }: Mishap) => ({ code, text: this.shop.log.mask(text) });
    const warnings = why === undefined || outcome === "ended" ? this.#warnings : [];
    for (const { code } of warnings) this.shop.metrics.warned(code);
    const entries = warnings.map((warning) => ({ ...this.#entry("warning"), failure: masked(warning) }));
    const entry = { ...this.#entry(outcome), ...(why && { failure: masked(why) }) };
    // A page that goes no further keeps everybody on it.
    const all = outcome !== "done" && entry.kind === "page" ? entriesOf(this.#body, entry.item, entry) : [entry];
    await this.shop.ledger.record(...entries, ...all);
  }
}

type Mishap = { code: string; text: string };

/** Undefined where it is not JSON. */
export function bodyOf({ body }: Pick<Delivery, "body">): unknown {
  try {
    return parseJson(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}
