import { setImmediate as nextTurn } from "node:timers/promises";

/** Nobody waits longer than that for work that has many parts, whatever one of them takes. */
const workMs = 5;

/** Work that goes on for long lets everything else have its turn: to be asked between two of its parts. */
export class Pace {
  #since = performance.now();

  async rest(): Promise<void> {
    if (performance.now() - this.#since < workMs) return;
    await nextTurn();
    this.#since = performance.now();
  }
}
