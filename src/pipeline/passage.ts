import { setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { BrokerDown, type Delivery, type Outgoing } from "../broker/broker.ts";
import { Reject, Retry, textOf } from "../errors.ts";
import { parseJson } from "../json.ts";
import { type Entry, type Outcome, subjectOf } from "../ledger.ts";
import { type Context, isEnd, type StageLog } from "../stage.ts";
import { type Decision, decide, failureOf } from "./decide.ts";
import { peopleOfPage, personOf, readMeta, remember, type Tracked, writeMeta } from "./meta.ts";
import { batches, checkFor, entriesOf, outgoing } from "./outputs.ts";
import type { Placed } from "./registry.ts";
import type { Round } from "./round.ts";
import type { Shop } from "./shop.ts";
import { deadQueueOf, waitQueueOf } from "./waiting.ts";

const defaultDeadlineMs = 10 * 60_000;
/** How long a publish is repeated before the message goes back: well under RabbitMQ's 30 minutes without an ack. */
const publishForMs = 15 * 60_000;

/** What became of a message, for whoever watches the stage as a whole. */
export type Passed = { outcome: "done" | "gone back" } | { outcome: "failed"; id: string; code: string; text: string };

/** One message in one stage: parse → run → publish → acknowledge last. */
export class Passage {
  readonly #hand = new AbortController();
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
  }

  abort(reason: string): void {
    this.#hand.abort(new Error(reason));
  }

  async pass(): Promise<Passed> {
    const { delivery, round, placed, shop } = this;
    const lost = () => this.abort("the broker took the message back");
    delivery.lost.addEventListener("abort", lost, { once: true });
    using _turn = await shop.turns.take(this.#meta.code ?? this.#meta.id);
    if (round.over) return this.#goBack();
    const deadlineMs = placed.stage.deadlineMs ?? defaultDeadlineMs;
    const late = new Retry("stage_timeout", `${placed.stage.name} took longer than ${deadlineMs} ms`);
    const timer = setTimeout(() => this.#hand.abort(late), deadlineMs);
    try {
      const result = await this.#run();
      await this.#publish(result);
      await (isEnd(result) ? this.#record("ended", { code: "ended", text: result.reason }) : this.#record("done"));
      delivery.ack();
      return { outcome: "done" };
    } catch (thrown) {
      return await this.#fail(this.#hand.signal.reason === late ? late : thrown).catch((error: unknown) => {
        this.#log.error(`a message goes back to ${placed.stage.queue}: ${textOf(error)}`);
        return this.#goBack();
      });
    } finally {
      clearTimeout(timer);
      delivery.lost.removeEventListener("abort", lost);
    }
  }

  async #run(): Promise<unknown> {
    const { stage } = this.placed;
    if (this.#body === undefined) throw new Reject("bad_message", "the message is not JSON");
    const parsed = v.safeParse(stage.message, this.#body);
    if (!parsed.success) {
      const wrong = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "the message"} must be ${issue.expected}`);
      throw new Reject("bad_message", `the message does not fit ${stage.name}: ${wrong.join(", ")}`);
    }
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
      detail: (text) => void this.#said.push(() => (this.round.inHand > 1 ? debug(text) : info(text))),
    };
    const warnOf = (code: string, text: string) => {
      this.#warnings.push({ code, text });
      warn(text, { code });
    };
    return { ...shop.clients(signal, meta), options: placed.options as never, meta, log, signal, warn: warnOf };
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
      for await (const batch of batches(result)) {
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
    const signal = AbortSignal.any([this.delivery.lost, this.giveUp]);
    const endsAt = performance.now() + publishForMs;
    for (let waitMs = 100; ; waitMs = Math.min(2 * waitMs, 5_000)) {
      try {
        return await broker.publish(queue, messages);
      } catch (error) {
        if (signal.aborted || performance.now() > endsAt) throw error;
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
    if (this.delivery.lost.aborted) return { outcome: "gone back" };
    if (this.#hand.signal.aborted && failure.code !== "stage_timeout") return this.#goBack();
    const suspect = failure instanceof Retry ? this.shop.upstreams.get(failure.suspect ?? "") : undefined;
    const suspectIsDown = (await suspect?.isDown()) ?? false;
    const decision = decide(failure, { attempt: this.#meta.attempt, suspectIsDown, delays: this.shop.delays });
    if (decision.do === "pause") {
      this.round.end(decision);
      return this.#goBack();
    }
    await this.#defer(decision);
    await this.#record(decision.do, decision);
    this.delivery.ack();
    return { outcome: "failed", id: this.#meta.id, code: decision.code, text: decision.text };
  }

  /** n.b. Only once no more deliveries come, or the broker would hand it out again at once. */
  async #goBack(): Promise<Passed> {
    if (this.round.over) await this.round.quiet;
    this.delivery.putBack();
    return { outcome: "gone back" };
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
    const entries = warnings.map((warning) => ({ ...this.#entry("warning"), failure: masked(warning) }));
    await this.shop.ledger.record(...entries, { ...this.#entry(outcome), ...(why && { failure: masked(why) }) });
  }
}

type Mishap = { code: string; text: string };

function bodyOf({ body }: Delivery): unknown {
  try {
    return parseJson(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

/** A stage that does not listen to its signal is left behind: its message does not wait for it. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const abort = () => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  if (signal.aborted) abort();
  promise.catch(() => {});
  return Promise.race([work, promise]).finally(() => signal.removeEventListener("abort", abort));
}
