import { leavesOf, type RegisteredStage } from "../registry/registry.ts";
import type { Pause } from "./consume-session.ts";
import type { Doubts } from "./retry/doubts.ts";
import type { Delay } from "./retry/policy.ts";
import { Promoter } from "./retry/promoter.ts";
import { deadQueueOf, delayOf, retryQueueOf } from "./retry/queues.ts";
import type { PipelineDeps } from "./stage-context.ts";
import { StageWorker } from "./stage-worker.ts";

type Listener = (stage: string, pause: Pause) => void;

/** All stages at work, and the retry queues between two attempts. */
export class Pipeline {
  readonly workers: readonly StageWorker[];
  readonly #stages: readonly RegisteredStage[];
  readonly #deps: PipelineDeps;
  readonly #stop = new AbortController();
  #promoters: readonly Promoter[] = [];
  readonly #listeners = new Set<Listener>();
  #promoting: Promise<void>[] = [];

  constructor(registered: readonly RegisteredStage[], deps: Omit<PipelineDeps, "onPause" | "onDeferred">) {
    this.#stages = registered;
    this.#deps = {
      ...deps,
      onPause: (stage, pause) => {
        for (const listener of this.#listeners) listener(stage, pause);
      },
      onDeferred: (queue) => this.#promoters.find(({ retryQueue }) => retryQueue === queue)?.expect(),
    };
    const doubts = new Set<Doubts>();
    const here = registered.filter(({ enabledHere }) => enabledHere);
    this.workers = here.map((one) => new StageWorker(one, this.#deps, doubts));
  }

  /** Every queue that is published to or consumed, with its retry queues and its dead-letter queue. */
  get queues(): string[] {
    const own = this.#stages.flatMap(({ stage: { queue } }) => [queue, deadQueueOf(queue)]);
    return [...own, ...this.#retryQueues];
  }

  /** These, and the queues of former stages. */
  get knownQueues(): string[] {
    return [...new Set([...this.queues, ...this.#deps.knownQueues.names])];
  }

  /** The queues that are emptied here. */
  get consumedQueues(): Set<string> {
    return new Set([...this.workers.map(({ registered }) => registered.stage.queue), ...this.#retryQueues]);
  }

  /** The stages after which an employee is through. */
  get leaves(): string[] {
    return leavesOf(this.#stages);
  }

  worker(stage: string): StageWorker | undefined {
    return this.workers.find(({ registered }) => registered.stage.name === stage);
  }

  /** Messages in progress, kept through a pause, or kept until they are due. */
  get inFlight(): number {
    const all: readonly { inFlight: number }[] = [...this.workers, ...this.#promoters];
    return all.reduce((sum, { inFlight }) => sum + inFlight, 0);
  }

  onPause(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async declare(): Promise<void> {
    this.#deps.knownQueues.add(this.queues);
    await this.#deps.broker.declare(this.queues);
  }

  /** The broker must be up and the queues declared. */
  start(): void {
    const { broker, log, now, holdForMs } = this.#deps;
    for (const worker of this.workers) worker.start();
    const say = (text: string) => log.warn(text);
    this.#promoters = this.#stages.flatMap(({ stage: { queue } }) =>
      this.#delaysOf(queue).map((delay) => new Promoter({ broker, queue, delay, holdForMs, now, say })),
    );
    this.#promoting = this.#promoters.map((promoter) => promoter.run(this.#stop.signal));
  }

  /** Takes no more messages, finishes work in progress until `hardStop`; the rest is delivered again later. */
  async stop(hardStop: AbortSignal): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.workers.map((worker) => worker.stop(hardStop)), ...this.#promoting]);
  }

  get #retryQueues(): string[] {
    return this.#stages.flatMap(({ stage: { queue } }) =>
      this.#delaysOf(queue).map((delay) => retryQueueOf(queue, delay)),
    );
  }

  /** The delays of the retry schedule and of former schedules. */
  #delaysOf(queue: string): Delay[] {
    const former = this.#deps.knownQueues.names.flatMap((name) => delayOf(queue, name) ?? []);
    return [...new Map([...this.#deps.delays, ...former].map((delay) => [delay.label, delay])).values()];
  }
}
