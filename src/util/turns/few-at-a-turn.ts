import { setImmediate as nextTurn } from "node:timers/promises";

/** At most so many go on in one turn of the event loop; the others do in the next ones, in their order. */
export function fewAtATurn(max: number): () => Promise<void> {
  let left = max;
  let turn: Promise<void> | undefined;
  return async () => {
    for (;;) {
      turn ??= nextTurn().then(() => {
        left = max;
        turn = undefined;
      });
      if (left > 0) break;
      await turn;
    }
    left -= 1;
  };
}
