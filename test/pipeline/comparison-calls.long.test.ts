import { expect, test } from "bun:test";
import { nightsOf } from "./clean-site.ts";

test("a site of 20,000 people is compared in at most 200 calls, and a clean one has no case", async () => {
  const { calls, ...found } = await nightsOf(20_000);
  const said = "Eposh and HikCentral agree on all 20000 employees.";
  expect(found).toEqual({ writes: 0, said: [said, said], runs: [], cases: [] });
  expect(calls).toBeGreaterThan(0);
  expect(calls).toBeLessThanOrEqual(200);
}, 600_000);
