import { test } from "bun:test";
import * as fc from "fast-check";
import { startSite } from "../support/site.ts";
import { commands } from "./commands.ts";
import { History } from "./history.ts";
import { drawPictures } from "./humans.ts";

/** So many random histories, with what fast-check needs to repeat one that fails: MODEL_SEED and MODEL_PATH. */
export function histories(numRuns: number, timeoutMs: number): void {
  const { MODEL_SEED, MODEL_PATH: path } = process.env;
  const seed = Number(MODEL_SEED ?? Math.floor(Math.random() * 1e6));
  const title = `${numRuns} histories of two strangers and their records (MODEL_SEED=${seed}): nobody gets a stranger's name, face, KIB number or access, no body is gone whose problem is open, no case is closed by another's success, and what a human took away stays away`;
  test(
    title,
    async () => {
      await using site = await startSite();
      const pictures = await drawPictures();
      for (const one of pictures) site.eposh.pictures.set(one.path, one.bytes);
      let number = 0;
      const property = fc.asyncProperty(commands, async (steps) => {
        const history = new History(site, pictures, number++);
        await fc.asyncModelRun(() => ({ model: {}, real: history }), steps);
        await history.finish();
      });
      await fc.assert(property, { numRuns, seed, ...(path && { path }) });
    },
    timeoutMs,
  );
}
