import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { textOf } from "../errors.ts";
import { writeAtomically } from "../util/atomic-file.ts";
import type { Broker, Depth } from "./broker.ts";

const schema = v.pipe(v.string(), v.parseJson(), v.array(v.string()));
const patienceMs = 2_000;

/**
 * The queues ever declared by the daemon of a state folder, in its file queues.json: one that no stage here takes from
 * any more may still hold messages. Losing the file loses only these names.
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
      say(`${this.#file} cannot be read, queues of former stages are forgotten: ${textOf(error)}`);
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
      this.say(`${this.#file} cannot be written, new queues are not remembered: ${textOf(error)}`);
    }
  }
}

/** Of those that exist. Empty where the broker does not answer soon: who asks wants to know how things are now. */
export const depthsOf = (broker: Broker, queues: readonly string[]): Promise<ReadonlyMap<string, Depth>> =>
  broker.depths(queues, AbortSignal.timeout(patienceMs)).catch(() => new Map<string, Depth>());

/** A queue that holds messages, and nobody takes them. */
export interface Unconsumed {
  queue: string;
  ready: number;
}

/** `consumedQueues` are those that are emptied here; what is dead is meant to lie. */
export const unconsumedOf = (depths: ReadonlyMap<string, Depth>, consumedQueues: ReadonlySet<string>): Unconsumed[] =>
  [...depths].flatMap(([queue, { ready, consumers }]) =>
    ready > 0 && consumers === 0 && !consumedQueues.has(queue) && !queue.endsWith(".dead") ? [{ queue, ready }] : [],
  );
