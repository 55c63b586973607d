import { setTimeout as sleep } from "node:timers/promises";
import { type Broker, BrokerDown, type Delivery } from "../../broker/broker.ts";
import { type PassOptions, passThrough } from "../../broker/careful-pass.ts";
import type { DeadLetter } from "../../ledger/dead-letter-index.ts";
import type { Ledger } from "../../ledger/ledger.ts";
import type { Mask } from "../../observability/mask.ts";
import type { RegisteredStage } from "../../registry/registry.ts";
import { KeyedMutex } from "../../util/keyed-mutex.ts";
import { bodyOf, decodeHeaders, type Envelope } from "../envelope.ts";
import { deadLetterOf } from "./dead-letter.ts";
import { deadQueueOf, mainQueuesOf } from "./queues.ts";

export interface DeadLetterQueuesOptions {
  broker: Broker;
  ledger: Ledger;
  registered: readonly RegisteredStage[];
  /** All known queues, including those of former stages. */
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

interface LetterPass extends Omit<PassOptions, "idOf" | "visit" | "leave"> {
  /** The depth of the queue was looked at twice already. */
  isCompared?: boolean;
  /** True where the letter is to go. */
  visit: (found: OpenedLetter) => Promise<boolean>;
  /** What must have happened before those that go together are out of their queue. */
  leave?: ((found: readonly OpenedLetter[]) => Promise<void>) | undefined;
}

/** How long a command waits for another one that has dead letters in progress. */
const lockWaitMs = 5_000;
/** What was published or acknowledged a moment ago may not be counted yet, and depths are shared for half a second. */
const settleMs = 550;
const askForMs = 1_000;
/** Between two passes through a queue whose depth differs from the index: at least this, and so many times a pass. */
const passAgain = { leastMs: 10_000, times: 50 };
const beingCounted = "the dead letters are being counted: list them again soon";

/** How long a message that has failed as before waits to know whether its dead letter is there. */
const knowForMs = 3_000;
const foldAfterMs = 1_000;

/** The dead-letter queues, and the index that says what is in them. */
export class DeadLetterQueues {
  /** One pass at a time. */
  readonly #passLock = new KeyedMutex();
  /** Main queue → when a pass may look again why its depth differs from the index (performance.now()). */
  readonly #passAt = new Map<string, number>();

  /** Main queues that were compared with the index since the start. */
  readonly #compared = new Set<string>();
  #renewing: Promise<void> | undefined;
  /** Main queues with copies that are to be folded. */
  readonly #toFold = new Set<string>();

  constructor(readonly options: DeadLetterQueuesOptions) {}

  /**
   * Whether this letter is known to be in its queue: the index holds it, and the depth of the queue agrees with the index
   * at this moment. In doubt it is not.
   */
  async has(letter: DeadLetter): Promise<boolean> {
    const { queue, content } = letter;
    const known = () => this.options.ledger.deadLetters.find(letter);
    // After its first comparison the index misses no letter that is ours.
    if (known() === undefined && this.#compared.has(queue)) return false;
    try {
      // In a storm of new letters the queue is never at rest; then its depth may lag behind by them.
      for (let tries = 0; tries < 3 && !(await this.#agrees(queue)); tries++) {
        // Some letters are in progress, and the index follows their command.
        if (this.#passLock.size > 0) break;
        await sleep(settleMs);
      }
      if ((await this.compare(knowForMs, [queue])) !== undefined) return false;
    } catch {
      return false;
    }
    this.#compared.add(queue);
    return known()?.content === content;
  }

  /** To be called once its queue has the letter. An older copy of it goes soon. */
  add(letter: DeadLetter): void {
    const { deadLetters } = this.options.ledger;
    const isReplaced = deadLetters.find(letter) !== undefined;
    deadLetters.add(letter);
    if (isReplaced) this.#foldSoon(letter.queue);
  }

  /**
   * Compares the index with the depths of the queues, and passes through those that differ: another daemon added or took
   * letters, or the index was lost. Waits for that no longer than `patienceMs`. Resolves with why the index may not be
   * right; rejects where the broker does not answer.
   */
  async compare(patienceMs?: number, of = this.#queues): Promise<string | undefined> {
    if (!(await this.#isRenewed(patienceMs))) return beingCounted;
    // Some letters are in progress, and the index follows their command.
    if (this.#passLock.size > 0) return undefined;
    const isLost = (queue: string) => this.options.broker.unreachable.has(deadQueueOf(queue));
    const lost = of.filter(isLost).map(deadQueueOf);
    const reached = of.filter((queue) => !isLost(queue));
    const why = await this.#compareReached(reached, patienceMs);
    if (why !== undefined || lost.length === 0) return why;
    return `these are the dead letters as they were last seen: ${lost.join(", ")} cannot be reached`;
  }

  /** Until then the index may hold none of the letters, or a part of them. */
  async #isRenewed(patienceMs: number | undefined): Promise<boolean> {
    if (this.#renewing === undefined) return true;
    const late = patienceMs === undefined ? [] : [sleep(patienceMs, false, { ref: false })];
    return await Promise.race([this.#renewing.then(() => true), ...late]);
  }

  async #compareReached(of: readonly string[], patienceMs: number | undefined): Promise<string | undefined> {
    if ((await this.#differing(of)).length === 0) return undefined;
    await sleep(settleMs);
    const differing = await this.#differing(of);
    const due = differing.filter((queue) => performance.now() >= (this.#passAt.get(queue) ?? 0));
    if (due.length > 0 && this.#passLock.size === 0) {
      this.#renewing = this.#renew(due).finally(() => {
        this.#renewing = undefined;
      });
      this.#renewing.catch(() => {});
    }
    // Also where another caller has begun it meanwhile.
    if (!(await this.#isRenewed(patienceMs))) return beingCounted;
    const left = differing.filter((queue) => !due.includes(queue)).map(deadQueueOf);
    if (left.length === 0) return undefined;
    return `another daemon may have added or taken dead letters of ${left.join(", ")}: list them again soon`;
  }

  /** A careful pass through one of them; the index follows what it sees. Resolves with whether it saw all letters. */
  async pass(queue: string, { visit, leave, isCompared = false, ...options }: LetterPass): Promise<boolean> {
    const { broker, ledger } = this.options;
    using _lock = await this.#passLock.acquire("", AbortSignal.timeout(lockWaitMs)).catch(() => {
      throw new BrokerDown("another command is busy with the dead letters; try again in a moment");
    });
    this.#throwIfAway();
    if (!isCompared && !(await this.#agrees(queue))) await sleep(settleMs);
    const replaced = ledger.deadLetters.replace(queue);
    const seen: DeadLetter[] = [];
    const met = new Map<string, DeadLetter>();
    const going = new Map<Delivery, OpenedLetter>();
    const opened = new WeakMap<Delivery, OpenedLetter>();
    const open = (delivery: Delivery) => opened.getOrInsertComputed(delivery, () => this.#open(delivery, queue));
    let isWhole = false;
    try {
      isWhole = await passThrough(broker, deadQueueOf(queue), {
        ...options,
        ...(leave && {
          leave: async (deliveries) => {
            await leave(deliveries.flatMap((delivery) => going.get(delivery) ?? []));
            going.clear();
          },
        }),
        idOf: (delivery) => {
          const { letter } = open(delivery);
          return letter.id + letter.content;
        },
        visit: async (delivery) => {
          const found = open(delivery);
          if (this.#isOldCopy(found.letter, met.get(found.letter.id))) {
            ledger.deadLetters.removeCopy(found.letter);
            return true;
          }
          met.set(found.letter.id, found.letter);
          const isGone = await visit(found);
          if (!isGone) seen.push(found.letter);
          else if (leave) going.set(delivery, found);
          return isGone;
        },
      });
    } finally {
      await replaced(isWhole ? seen : undefined);
    }
    return isWhole;
  }

  /** Whether a newer copy of the letter is in the queue, or was taken out of it a moment ago. */
  #isOldCopy(letter: DeadLetter, met: DeadLetter | undefined): boolean {
    if (met !== undefined) return !((met.fetched ?? "") < (letter.fetched ?? ""));
    const known = this.options.ledger.deadLetters.find(letter);
    return known !== undefined && known.copies > 1 && known.content !== letter.content;
  }

  #foldSoon(queue: string): void {
    if (this.#toFold.has(queue)) return;
    this.#toFold.add(queue);
    const fold = async () => {
      await sleep(foldAfterMs, undefined, { ref: false });
      this.#toFold.delete(queue);
      await this.pass(queue, { visit: async () => false });
    };
    // Copies that are left are folded by the next pass.
    fold().catch(() => {});
  }

  /** Main queues. */
  get #queues(): string[] {
    return [...new Set([...mainQueuesOf(this.options.queues()), ...this.options.ledger.deadLetters.counts().keys()])];
  }

  /** The main queues whose dead-letter queue does not hold what the index says. */
  async #differing(of: readonly string[]): Promise<string[]> {
    const { ledger } = this.options;
    this.#throwIfAway();
    // n.b. The answer may be half a second old, and what was added meanwhile is no difference.
    const before = ledger.deadLetters.counts(settleMs);
    const all = await this.#readyIn(of);
    const after = ledger.deadLetters.counts();
    return of.filter((queue) => {
      const ready = all.get(queue) ?? 0;
      return ready < (before.get(queue) ?? 0) || ready > (after.get(queue) ?? 0);
    });
  }

  async #agrees(queue: string): Promise<boolean> {
    const ready = (await this.#readyIn([queue])).get(queue);
    return ready === (this.options.ledger.deadLetters.counts().get(queue) ?? 0);
  }

  /** Main queue → what is ready in its dead-letter queue. */
  async #readyIn(queues: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const depths = await this.options.broker.depths(queues.map(deadQueueOf), AbortSignal.timeout(askForMs));
    return new Map(queues.map((queue) => [queue, depths.get(deadQueueOf(queue))?.ready ?? 0]));
  }

  async #renew(queues: readonly string[]): Promise<void> {
    for (const queue of queues) {
      const startedAt = performance.now();
      try {
        await this.pass(queue, { visit: async () => false, isCompared: true });
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
    const { registered: stages, ledger, mask, now } = this.options;
    const body = bodyOf(delivery);
    const meta = decodeHeaders(delivery, body, now());
    const registered = stages.find(({ stage }) => stage.queue === queue);
    const stage = registered?.stage.name;
    const letter = deadLetterOf({ queue, stage, body: delivery.body, message: body, envelope: meta, mask, ledger });
    return { letter, meta, body, delivery, registered };
  }
}
