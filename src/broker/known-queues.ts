import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import * as v from "valibot";
import { textOf } from "../errors.ts";
import { writeAtomically } from "../util/atomic-file.ts";
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
export const depthsOf = (broker: Broker, queues: readonly string[]): Promise<ReadonlyMap<string, Depth>> =>
  broker.depths(queues, AbortSignal.timeout(patienceMs)).catch(() => new Map<string, Depth>());

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
