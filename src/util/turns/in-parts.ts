import { setImmediate as nextTurn } from "node:timers/promises";

/** So few that whatever is done to them is done in some milliseconds. */
const atATime = 100;

/** A part of them at a time, and between two parts everything else has its turn. */
export async function* inParts<One>(all: readonly One[], size = atATime): AsyncGenerator<One[]> {
  for (let from = 0; from < all.length; from += size) {
    if (from > 0) await nextTurn();
    yield all.slice(from, from + size);
  }
}
