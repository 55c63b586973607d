import { expect, test } from "bun:test";
import { nightsOf } from "./clean-site.ts";

test("a site of 1,543 people is compared in at most 40 calls, and a clean one has no case", async () => {
  const { calls, ...found } = await nightsOf(1_543);
  const said = "Eposh and HikCentral agree on all 1543 employees.";
  expect(found).toEqual({ writes: 0, said: [said, said], runs: [], cases: [] });
  for (const ofNight of calls) expect(ofNight).toBeWithin(1, 41);
});
