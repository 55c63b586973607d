import { setTimeout as sleep } from "node:timers/promises";
import { BrokerDown, type Consumer, type Delivery } from "../broker/broker.ts";
import { type Outcome, textOf } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import type { CircuitBreaker } from "../upstreams/circuit-breaker.ts";
import { untilAborted } from "../util/abort.ts";
import { ConsumeSession, type Pause } from "./consume-session.ts";
import { DeliveryHandler } from "./delivery-handler.ts";
import { bodyOf, decodeHeaders, encodeHeaders } from "./envelope.ts";
import { Doubts } from "./retry/doubts.ts";
import { giveBack, maxReturns } from "./retry/give-back.ts";
import { KeptDeliveries } from "./retry/kept-deliveries.ts";
import { Streak } from "./retry/streak.ts";
import type { PipelineDeps } from "./stage-context.ts";
import { StageState } from "./stage-state.ts";
import { watchForStall } from "./stall-detector.ts";

/** Between two canaries. In an outage that the probe does not see, short enough to resume within 5 s. */
const canaryAfterMs = { outage: [1_000, 2_000, 4_000], other: [5_000, 10_000, 20_000, 40_000, 60_000] };
/** How long RabbitMQ may count the consumers of a cut connection, at a heartbeat of up to a minute. */
const countedMs = 150_000;
/** A canary without a message to try is over after this time. */
const nothingToTryMs = 5_000;

/** One stage at work: sessions of consuming, with a pause between two of them. */
export class StageWorker {
  readonly state: StageState;
  lastTakenAt: Date | undefined;
  /** How long messages have been ready while none was taken, emitted or finished; undefined if not stalled. */
  stalledMs: number | undefined;
  readonly #log: Log;
  readonly #stop = new AbortController();
  readonly #hardStop = new AbortController();
  readonly #kept: KeptDeliveries;
  #session: ConsumeSession | undefined;
  #faultPause: Pause | undefined;
  #operatorPause: { pause: Pause; since: Date; resumed: PromiseWithResolvers<void> } | undefined;
  readonly #streak = new Streak();
  readonly #doubts: Doubts;
  #driven: Promise<unknown> = Promise.resolve();
  #lastProgressAt = performance.now();
  #hadOthers = false;

  constructor(
    readonly registered: RegisteredStage,
    readonly deps: PipelineDeps,
    doubts: Set<Doubts>,
  ) {
    this.#doubts = new Doubts(doubts);
    const { name } = registered.stage;
    this.state = new StageState(name, deps.now);
    this.#log = deps.log.child({ stage: name });
    this.#kept = new KeptDeliveries(deps.holdForMs, (delivery) => this.#giveBack(delivery));
  }

  /** Takes no more messages until `resume`; work in progress is finished. */
  pause(text: string, since: Date): void {
    const pause: Pause = { reason: "operator", upstream: undefined, code: "paused_by_operator", text };
    this.#operatorPause ??= { pause, since, resumed: Promise.withResolvers() };
    if (!this.#stop.signal.aborted) this.state.move("paused by an operator", pause, since);
    this.#session?.end(pause);
  }

  resume(): void {
    this.#operatorPause?.resumed.resolve();
    this.#operatorPause = undefined;
  }

  /** Messages in progress, including those kept through a pause. */
  get inFlight(): number {
    return (this.#session?.inFlight ?? 0) + this.#kept.size;
  }

  start(): void {
    const { broker, stallMs } = this.deps;
    const watching = watchForStall({
      ready: () => this.#checkQueue(),
      lastProgressAt: () => this.#lastProgressAt,
      isIdleExpected: () => this.state.pause !== undefined || broker.state !== "up",
      stallMs,
      signal: this.#stop.signal,
      onChange: (stalledMs, waiting) => this.#stall(stalledMs, waiting),
    });
    this.#driven = Promise.all([this.#drive(), watching]);
  }

  /** Takes no more messages and finishes work in progress; what is unfinished when `hardStop` aborts is requeued. */
  async stop(hardStop: AbortSignal): Promise<void> {
    this.#stop.abort();
    this.state.move("stopping");
    this.#operatorPause?.resumed.resolve();
    this.#session?.end();
    hardStop.addEventListener("abort", () => this.#hardStop.abort(), { once: true });
    if (hardStop.aborted) this.#hardStop.abort();
    await this.#driven;
    await this.#kept.giveAllBack();
  }

  async #drive(): Promise<void> {
    for (let tries = 0; !this.#stop.signal.aborted; ) {
      if (this.#operatorPause) {
        await this.#operatorPause.resumed.promise;
        if (this.#stop.signal.aborted) return;
        this.state.move(this.#faultPause ? "paused by a fault" : "starting", this.#faultPause);
      }
      if (this.#faultPause && (await this.#recovered(this.#faultPause, tries++))) {
        this.#endFaultPause();
        tries = 0;
      }
      if (this.#operatorPause || this.#stop.signal.aborted) continue;
      const session = await this.#consume(tries);
      const { pause } = session;
      if (session.isProven) {
        this.#endFaultPause();
        tries = 0;
      }
      if (pause === undefined || pause.reason === "operator") continue;
      const isNew = pause.code !== this.#faultPause?.code;
      this.state.move("paused by a fault", pause, isNew ? undefined : this.state.since);
      this.#faultPause = pause;
      if (!isNew) continue;
      tries = 0;
      this.deps.onPause(this.registered.stage.name, pause);
      this.#log.warn(`paused: ${pause.text}`, { code: pause.code });
    }
  }

  #endFaultPause(): void {
    if (this.#faultPause && !this.#stop.signal.aborted && !this.#operatorPause)
      this.#log.info(`${this.registered.stage.name} continues`);
    this.#faultPause = undefined;
  }

  /** Returns the ready messages, and notes whether the queue has other consumers. */
  async #checkQueue(): Promise<number | undefined> {
    const { broker, ledger } = this.deps;
    const { queue, name } = this.registered.stage;
    const depth = (await broker.depths([queue], this.#stop.signal)).get(queue);
    // n.b. RabbitMQ counts the consumers of a lost connection until its heartbeat is missed.
    if (performance.now() - broker.backAt < countedMs) return depth?.ready;
    const hasOthers = depth?.isShared ?? false;
    // n.b. For a moment it also counts a daemon that was killed.
    ledger.sharedStages[hasOthers && this.#hadOthers ? "add" : "delete"](name);
    this.#hadOthers = hasOthers;
    return depth?.ready;
  }

  /** Replaces a consumer that gets no deliveries for no reason. Messages in progress have their own deadline. */
  #stall(stalledMs: number | undefined, waiting: number): void {
    this.stalledMs = stalledMs;
    if (stalledMs === undefined) return;
    const { name } = this.registered.stage;
    const { inFlight } = this;
    const next = inFlight > 0 ? `${inFlight} in progress, none finished` : "none delivered";
    const text = `${name} is stalled: ${waiting} messages waiting, ${next} for ${Math.round(stalledMs / 1000)} s`;
    this.#log.error(inFlight > 0 ? text : `${text}; subscribing again`, { code: "stalled" });
    if (inFlight === 0) this.#session?.end();
  }

  /**
   * One session. With `canaries` it is a canary: so many messages at a time, until one has an outcome. In an outage that
   * the probe does not see, each try takes one more message: otherwise a single message for which the upstream fails
   * would delay all others.
   */
  async #consume(canaries: number): Promise<ConsumeSession> {
    const { concurrency } = this.registered;
    const isCanary = canaries > 0;
    const width = !isCanary ? concurrency : this.#faultPause?.reason === "outage" ? Math.min(canaries, concurrency) : 1;
    const session = new ConsumeSession(
      isCanary,
      (failed) => {
        const pause = this.#streak.charge(failed);
        if (pause) session.end(pause);
      },
      this.#doubts,
      () => this.#progress(),
    );
    this.#session = session;
    if (isCanary) this.state.move("canary");
    for (const delivery of this.#kept.take(isCanary ? width : this.#kept.size)) this.#handle(delivery, session, true);
    const more = isCanary ? width - session.inFlight : width;
    const consumer = more > 0 ? await this.#subscribe(more, session) : undefined;
    if (consumer && !isCanary && !session.isOver) this.state.move("consuming");
    if (this.#stop.signal.aborted) session.end();
    const nothing = setTimeout(() => isCanary && session.inFlight === 0 && session.prove(), nothingToTryMs).unref();
    const pause = await session.ended;
    clearTimeout(nothing);
    if (this.#openBreakerOf(pause)) session.abort("its upstream is down");
    await consumer?.stop();
    await session.whenEmpty();
    return session;
  }

  /** Subscribes once the broker is up; undefined if the session ended before. The consumer then reconnects by itself. */
  async #subscribe(prefetch: number, session: ConsumeSession): Promise<Consumer | undefined> {
    const { queue } = this.registered.stage;
    const { broker } = this.deps;
    const signal = this.#stop.signal;
    let lastText: string | undefined;
    const onTrouble = (text: string | undefined) => {
      if (text !== undefined && text !== lastText) this.#log.error(text);
      lastText = text;
      if (session.isOver || session.canary) return;
      this.state.move(text === undefined ? "consuming" : "starting");
    };
    const take = (delivery: Delivery) => this.#take(delivery, session);
    while (!signal.aborted && !session.isOver) {
      try {
        return await broker.consume(queue, { prefetch, take, onTrouble });
      } catch (error) {
        if (!(error instanceof BrokerDown)) onTrouble(`${queue} cannot be consumed yet: ${textOf(error)}`);
        // The queue may have been deleted while the stage was paused.
        await broker.declare([queue]).catch(() => {});
        await sleep(1_000, undefined, { signal }).catch(() => {});
      }
    }
    return undefined;
  }

  #take(delivery: Delivery, session: ConsumeSession): void {
    this.lastTakenAt = this.deps.now();
    this.#progress();
    if (this.#stop.signal.aborted || delivery.returns >= maxReturns) void this.#giveBack(delivery);
    else if (session.isOver) this.#kept.add(delivery);
    else this.#handle(delivery, session, false);
  }

  #handle(delivery: Delivery, session: ConsumeSession, isRerun: boolean): void {
    const { registered, deps } = this;
    const handler = new DeliveryHandler({
      registered,
      deps,
      delivery,
      session,
      isRerun,
      hardStop: this.#hardStop.signal,
    });
    session.track(
      handler,
      handler.handle().then((outcome) => this.#finish(outcome, delivery, { id: handler.id, session })),
    );
  }

  /** Resolves once the broker has what is not kept here: a stopping daemon waits for it. */
  async #finish(
    outcome: Outcome,
    delivery: Delivery,
    { id, session }: { id: string; session: ConsumeSession },
  ): Promise<void> {
    this.#progress();
    if (outcome === "done" || outcome === "ended") {
      this.#streak.passed();
      this.#doubts.passed(id);
    }
    if (outcome !== "requeued") {
      // One that waits because nobody is served tells nothing new.
      const isNews = outcome !== "retry" || !this.#doubts.isOutage;
      if (session.canary) session[isNews ? "prove" : "end"]();
      return;
    }
    // A failed canary goes to the end of the queue: the next canary is another message, which may succeed.
    const isKept = session.isOver && !session.canary && !this.#stop.signal.aborted;
    // This canary proves nothing: the broker took it back, or it was in progress for too long.
    if (session.canary) session.end();
    if (isKept && delivery.isOpen) this.#kept.add(delivery);
    else await this.#giveBack(delivery);
  }

  async #giveBack(delivery: Delivery): Promise<void> {
    const envelope = decodeHeaders(delivery, bodyOf(delivery), this.deps.now());
    await giveBack(this.deps.broker, delivery, encodeHeaders({ ...envelope, again: true }), {
      stop: this.#stop.signal,
      say: (text) => this.#log.warn(text),
    });
  }

  /** True once a probe is answered; an outage that the probe cannot see ends by a canary. */
  async #recovered(pause: Pause, tries: number): Promise<boolean> {
    const signal = this.#stop.signal;
    const breaker = this.#openBreakerOf(pause);
    if (breaker) {
      await untilAborted(breaker.closed(), signal).catch(() => {});
      return true;
    }
    const waits = canaryAfterMs[pause.reason === "outage" ? "outage" : "other"];
    await sleep(waits[tries] ?? waits.at(-1), undefined, { signal }).catch(() => {});
    return false;
  }

  /** The breaker to wait for, if its probe says that the upstream is down. */
  #openBreakerOf(pause: Pause | undefined): CircuitBreaker | undefined {
    const breaker = pause?.reason === "outage" ? this.deps.breakers.get(pause.upstream ?? "") : undefined;
    return breaker?.state === "down" ? breaker : undefined;
  }

  #progress(): void {
    this.#lastProgressAt = performance.now();
  }
}
