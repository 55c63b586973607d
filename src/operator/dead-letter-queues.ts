import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, BrokerDown, type Delivery } from "../broker/broker.ts";
import { type PassOptions, passThrough } from "../broker/careful-pass.ts";
import type { DeadLetter } from "../ledger/dead-letter-index.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Mask } from "../observability/mask.ts";
import { bodyOf, decodeHeaders, type Envelope } from "../pipeline/envelope.ts";
import { deadLetterOf } from "../pipeline/retry/dead-letter.ts";
import { deadQueueOf } from "../pipeline/retry/queues.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { KeyedMutex } from "../util/keyed-mutex.ts";

export interface DeadLetterQueuesOptions {
  broker: Broker;
  ledger: Ledger;
  registered: readonly RegisteredStage[];
  /** Main queues whose dead letters are listed, including those of former stages. */
  queues: () => readonly string[];
  mask: Mask;
  now: () => Date;
}

/** A dead letter with its body, in progress. */
export interface OpenedLetter {
  letter: DeadLetter;
  meta: Envelope;
  body: unknown;
  delivery: Delivery;
  registered: RegisteredStage | undefined;
}

interface LetterPass extends Omit<PassOptions, "idOf" | "visit"> {
  /** True where the letter is to go. */
  visit: (found: OpenedLetter) => Promise<boolean>;
}

/** How long a command waits for another one that has dead letters in progress. */
const lockWaitMs = 5_000;
/** What was published or acknowledged a moment ago may not be counted yet, and depths are shared for half a second. */
const settleMs = 550;
const askForMs = 1_000;
/** Between two passes through a queue whose depth differs from the index: at least this, and so many times a pass. */
const passAgain = { leastMs: 10_000, times: 50 };

/** The dead-letter queues, and the index that says what is in them. */
export class DeadLetterQueues {
  /** One pass at a time. */
  readonly #passLock = new KeyedMutex();
  /** Main queue → when a pass may look again why its depth differs from the index (performance.now()). */
  readonly #passAt = new Map<string, number>();

  constructor(readonly options: DeadLetterQueuesOptions) {}

  /**
   * Compares the index with the depths of the queues, and passes through those that differ: another daemon added or took
   * letters, or the index was lost. Waits for that no longer than `patienceMs`. Resolves with why the index may not be
   * right; rejects where the broker does not answer.
   */
  async compare(patienceMs?: number): Promise<string | undefined> {
    // Some letters are in progress, and the index follows their command.
    if (this.#passLock.size > 0 || (await this.#differing()).length === 0) return undefined;
    await sleep(settleMs);
    const differing = await this.#differing();
    const due = differing.filter((queue) => performance.now() >= (this.#passAt.get(queue) ?? 0));
    if (due.length > 0 && this.#passLock.size === 0) {
      const passing = this.#renew(due).then(() => true);
      passing.catch(() => {});
      const late = patienceMs === undefined ? [] : [sleep(patienceMs, false, { ref: false })];
      if (!(await Promise.race([passing, ...late]))) return "the dead letters are being counted: list them again soon";
    }
    const left = differing.filter((queue) => !due.includes(queue)).map(deadQueueOf);
    if (left.length === 0) return undefined;
    return `another daemon may have added or taken dead letters of ${left.join(", ")}: list them again soon`;
  }

  /** A careful pass through one of them; the index follows what it sees. Resolves with whether it saw all letters. */
  async pass(queue: string, { visit, ...options }: LetterPass): Promise<boolean> {
    const { broker, ledger } = this.options;
    using _lock = await this.#passLock.acquire("", AbortSignal.timeout(lockWaitMs)).catch(() => {
      throw new BrokerDown("another command is busy with the dead letters; try again in a moment");
    });
    this.#throwIfAway();
    const replaced = ledger.deadLetters.replace(queue);
    const seen: DeadLetter[] = [];
    let isWhole = false;
    try {
      isWhole = await passThrough(broker, deadQueueOf(queue), {
        ...options,
        idOf: (delivery) => this.#open(delivery, queue).letter.id,
        visit: async (delivery) => {
          const found = this.#open(delivery, queue);
          const isGone = await visit(found);
          if (isGone) ledger.deadLetters.remove(found.letter);
          else seen.push(found.letter);
          return isGone;
        },
      });
    } finally {
      replaced(isWhole ? seen : undefined);
    }
    return isWhole;
  }

  /** The main queues whose dead-letter queue does not hold what the index says. */
  async #differing(): Promise<string[]> {
    const { broker, queues, ledger } = this.options;
    this.#throwIfAway();
    const counts = ledger.deadLetters.counts();
    const all = [...new Set([...queues(), ...counts.keys()])];
    const depths = await broker.depths(all.map(deadQueueOf), AbortSignal.timeout(askForMs));
    return all.filter((queue) => (depths.get(deadQueueOf(queue))?.ready ?? 0) !== (counts.get(queue) ?? 0));
  }

  async #renew(queues: readonly string[]): Promise<void> {
    for (const queue of queues) {
      const startedAt = performance.now();
      try {
        await this.pass(queue, { visit: async () => false });
      } finally {
        const waitMs = Math.max(passAgain.leastMs, passAgain.times * (performance.now() - startedAt));
        this.#passAt.set(queue, performance.now() + waitMs);
      }
    }
  }

  /** n.b. A RabbitMQ that accepts no messages for now takes none back either. */
  #throwIfAway(): void {
    const { broker } = this.options;
    if (broker.state !== "up") throw new BrokerDown(broker.trouble ?? `${broker.label} is away`);
  }

  #open(delivery: Delivery, queue: string): OpenedLetter {
    const { registered: stages, mask, now } = this.options;
    const body = bodyOf(delivery);
    const meta = decodeHeaders(delivery, body, now());
    const registered = stages.find(({ stage }) => stage.queue === queue);
    const stage = registered?.stage.name;
    const letter = deadLetterOf({ queue, stage, body: delivery.body, message: body, envelope: meta, mask });
    return { letter, meta, body, delivery, registered };
  }
}
