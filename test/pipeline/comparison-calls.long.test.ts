import { expect, test } from "bun:test";
import { nightsOf } from "./clean-site.ts";

test("a site of 20,000 people is compared in at most 200 calls, but for the first night, and a clean one has no case", async () => {
  const { calls, ...found } = await nightsOf(20_000);
  const said = "Eposh and HikCentral agree on all 20000 employees.";
  expect(found).toEqual({ writes: 0, said: [said, said], runs: [], cases: [] });
  const [first, further] = calls;
  expect(further).toBeWithin(1, 201);
  // The first one reads the lists of members twice: they are what later ones are compared with.
  expect(first).toBeLessThan(300);
}, 600_000);
