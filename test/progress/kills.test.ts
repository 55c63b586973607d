import { expect, test } from "bun:test";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

test("twelve kills in quick succession lose nobody, leave no dead letter", async () => {
  // More than the lives between the kills can do, however long a busy machine makes them.
  const people = 60;
  await using site = await startSite({
    as: "binary",
    defaults: true,
    people,
    faults: { hikcentral: [{ kind: "slow", minMs: 50, maxMs: 200 }] },
  });
  const run = await site.begin();
  for (let kills = 0; kills < 12; kills++) {
    await until(async () => (await site.readyz()).stages.some(({ inFlight }) => inFlight > 0), {
      what: `something to be in progress at kill ${kills + 1}`,
    });
    await site.kill();
    await site.start();
  }
  site.hikcentral.faults.set();
  await run.through();
  expect((await site.get("/dead")).body).toMatchObject({ total: 0 });
  expect(site.atTheGate()).toHaveLength(people);
}, 150_000);
