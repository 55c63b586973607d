import { Pace } from "./pace.ts";

/** So few that whatever is done to them is done in some milliseconds. */
const atATime = 100;

/** A part of them at a time, and between two parts everything else has its turn where it has waited long enough. */
export async function* inParts<One>(all: readonly One[], size = atATime): AsyncGenerator<One[]> {
  const pace = new Pace();
  for (let from = 0; from < all.length; from += size) {
    if (from > 0) await pace.rest();
    yield all.slice(from, from + size);
  }
}
