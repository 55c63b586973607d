import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { textOf } from "../errors.ts";
import { writeAtomically } from "../util/files/atomic-file.ts";
import type { Broker, Depth } from "./broker.ts";

const schema = v.pipe(v.string(), v.parseJson(), v.array(v.string()));
const patienceMs = 1_000;

/**
 * The queues that the daemon of this state folder ever declared, in the file queues.json: a queue of a former stage may
 * still hold messages. Losing the file loses only these names.
 */
export class KnownQueues {
  readonly #file: string;
  readonly #names = new Set<string>();

  constructor(
    folder: string,
    readonly say: (text: string) => void,
  ) {
    this.#file = join(folder, "queues.json");
    try {
      if (existsSync(this.#file))
        for (const name of v.parse(schema, readFileSync(this.#file, "utf8"))) this.#names.add(name);
    } catch (error) {
      say(`${this.#file} cannot be read; queues of former stages are forgotten: ${textOf(error)}`);
    }
  }

  get names(): string[] {
    return [...this.#names];
  }

  add(names: readonly string[]): void {
    const before = this.#names.size;
    for (const name of names) this.#names.add(name);
    if (this.#names.size === before) return;
    try {
      writeAtomically(this.#file, JSON.stringify(this.names, undefined, 1));
    } catch (error) {
      this.say(`${this.#file} cannot be written; new queues are not remembered: ${textOf(error)}`);
    }
  }
}

/** Of the queues that exist. Empty if the broker does not answer soon: callers want the present state. */
export async function depthsOf(broker: Broker, queues: readonly string[]): Promise<ReadonlyMap<string, Depth>> {
  const late = new AbortController();
  // n.b. The timer of AbortSignal.timeout wakes the process also where the answer came long before.
  using _late = setTimeout(() => late.abort(), patienceMs);
  return await broker.depths(queues, late.signal).catch(() => new Map<string, Depth>());
}

/** A queue that cannot be reached although the broker can. */
export interface Unreachable {
  queue: string;
  why: string;
}

/** While the broker is away nothing is known of its queues. */
export const unreachableOf = ({ state, unreachable }: Broker): Unreachable[] =>
  state === "up" ? [...unreachable].map(([queue, why]) => ({ queue, why })) : [];

/** A queue that holds messages and has no consumer. */
export interface Unconsumed {
  queue: string;
  ready: number;
}

/** `consumedQueues` are emptied here; dead-letter queues have no consumer on purpose. */
export const unconsumedOf = (depths: ReadonlyMap<string, Depth>, consumedQueues: ReadonlySet<string>): Unconsumed[] =>
  [...depths].flatMap(([queue, { ready, consumers }]) =>
    ready > 0 && consumers === 0 && !consumedQueues.has(queue) && !queue.endsWith(".dead") ? [{ queue, ready }] : [],
  );

/** Where messages wait for a retry or for a human: one that a thorough look meets and gives back was delivered before. */
const isCalm = (queue: string) => queue.endsWith(".dead") || queue.includes(".retry.");

/** So long a queue that answered anybody is not asked: less than two looks, or less than a minute of a calm one. */
const answeredForMs = (queue: string) => (isCalm(queue) ? 45_000 : 9_000);

export interface QueueWatchOptions {
  queues: () => Iterable<string>;
  /** Rejects if the queue cannot be reached, or RabbitMQ does not answer in time. Thorough: also without a majority. */
  ask: (queue: string, isThorough: boolean) => Promise<unknown>;
  /** Answers about queues count only while it is. */
  isConnected: () => boolean;
  /** Called when it is noticed that queues are lost, or that all are back. */
  onChange: (text: string, isLost: boolean) => void;
}

/**
 * Which queues cannot be reached although RabbitMQ can, because the nodes that hold them are gone. n.b. RabbitMQ 3 refuses
 * at once, and RabbitMQ 4 after 70 s, in which it keeps the channel: of the queues that are known to be lost, one is asked
 * for at a time. A loss is usually that of many queues: each thorough look asks one retry or dead-letter queue thoroughly,
 * where messages seldom arrive, and all queues once one is lost.
 */
export class QueueWatch {
  /** Queue → why. */
  readonly unreachable = new Map<string, string>();
  /** Queue → when it answered last (performance.now()). */
  readonly #answeredAt = new Map<string, number>();
  #looking: Promise<void> | undefined;
  #looks = 0;

  constructor(readonly options: QueueWatchOptions) {}

  /** To be told of every answer of a queue. */
  answered(queue: string): void {
    this.#answeredAt.set(queue, performance.now());
  }

  /** What another connection answered proves nothing. */
  forget(): void {
    this.#answeredAt.clear();
  }

  /** Callers share a look. Only a thorough one finds a loss of majority, and it may take 3 s longer. */
  look(isThorough: boolean): Promise<void> {
    this.#looking ??= this.#look(isThorough).finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #look(isThorough: boolean): Promise<void> {
    const before = new Set(this.unreachable.keys());
    await this.#lookAtAll(isThorough);
    const lost = [...this.unreachable].filter(([queue]) => !before.has(queue));
    const names = lost.map(([queue]) => queue).join(", ");
    if (lost.length > 0) this.options.onChange(`${names} cannot be reached: ${lost[0]?.[1]}`, true);
    else if (before.size > 0 && this.unreachable.size === 0)
      this.options.onChange("all queues can be reached again", false);
  }

  async #lookAtAll(isThorough: boolean): Promise<void> {
    const others = [...this.options.queues()].filter((queue) => !this.unreachable.has(queue));
    const [canary] = this.unreachable.keys();
    if (canary !== undefined && (await this.#isThere(canary, true))) others.push(...this.unreachable.keys());
    const calm = isThorough ? others.filter(isCalm) : [];
    const thorough = calm[this.#looks++ % calm.length];
    const isThoroughFor = (queue: string) => canary !== undefined || queue === thorough;
    const silentMs = (queue: string) => performance.now() - (this.#answeredAt.get(queue) ?? -Infinity);
    const due = others.filter((queue) => isThoroughFor(queue) || silentMs(queue) >= answeredForMs(queue));
    await Promise.all(due.map((queue) => this.#isThere(queue, isThoroughFor(queue))));
  }

  async #isThere(queue: string, isThorough: boolean): Promise<boolean> {
    try {
      await this.options.ask(queue, isThorough);
      this.unreachable.delete(queue);
      return true;
    } catch (error) {
      // A lost connection says nothing of the queue: what was lost before is lost until it answers.
      if (!this.options.isConnected()) return false;
      // Deleted first, so that another one is the next canary.
      this.unreachable.delete(queue);
      this.unreachable.set(queue, textOf(error));
      return false;
    }
  }
}
