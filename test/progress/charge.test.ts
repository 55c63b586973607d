import { afterEach, expect, test } from "bun:test";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { startSite } from "../support/site.ts";
import { folderWith } from "../support/stage-files.ts";
import { until } from "../support/until.ts";

/** The daemon runs in this process: its stages call what a test puts here. */
const hooks = globalThis as { onMessage?: ((sdk: unknown) => unknown) | undefined };
afterEach(() => {
  hooks.onMessage = undefined;
});

const stage = (run: string) =>
  folderWith({
    "hooked.ts": `import * as sdk from "hikvision-sync";
export default sdk.defineStage({
  name: "hooked",
  queue: "site_hooked",
  after: "publisher",
  message: sdk.v.looseObject({}),
  deadlineMs: 2_000,
  ${run}
});
`,
    "last.ts": `import { defineStage, end, v } from "hikvision-sync";
export default defineStage({
  name: "last",
  queue: "site_last",
  after: "hooked",
  message: v.looseObject({}),
  run: async () => end("seen"),
});
`,
  });

test("the time that RabbitMQ needs for a batch is not charged to the stage's deadline", async () => {
  const { url } = await sharedRabbit();
  using way = await wayToRabbit(url);
  const run = `async run(message) {
    return sdk.many((async function* () {
      yield message;
      globalThis.onMessage();
      yield message;
      await Bun.sleep(1);
      yield message;
    })());
  },`;
  await using site = await startSite({ people: 1, broker: way.url, env: { STAGES_FOLDER: stage(run) } });
  let slowSince = 0;
  hooks.onMessage = () => {
    slowSince ||= performance.now();
    // There and back it is more than the deadline.
    way.slowDown(1_500);
  };
  const begun = await site.begin();
  const isSettled = async () => {
    const { done = 0, retry = 0 } = (await begun.view()).stages.hooked ?? {};
    return done + retry > 0;
  };
  await until(isSettled, { what: "the message to have an outcome" });
  expect(performance.now() - slowSince).toBeGreaterThan(3_000);
  expect(await site.sum("attempts_total")).toBe(0);
});

test("a canary that meets a retry ends the pause, and its stage takes as many messages at a time as before", async () => {
  const [people, concurrency] = [12, 4];
  const run = "run: (message) => globalThis.onMessage(sdk, message),";
  const env = { STAGES_FOLDER: stage(run), STAGES_HOOKED_CONCURRENCY: String(concurrency) };
  await using site = await startSite({ people, env });
  let retriedAt = 0;
  let nextAt = 0;
  let isPaused = false;
  let inProgress = 0;
  let most = 0;
  hooks.onMessage = async (given) => {
    const { unavailable, retry, end } = given as typeof import("../../src/stage.ts");
    if (!isPaused) throw unavailable("hikcentral");
    if (retriedAt === 0) {
      retriedAt = performance.now();
      throw retry("no_photo", "comes again");
    }
    nextAt ||= performance.now();
    most = Math.max(most, ++inProgress);
    if (most < concurrency) await until(() => most === concurrency, { what: "as many at a time as before" });
    inProgress--;
    return end("seen");
  };
  const begun = await site.begin();
  await until(async () => (await site.stage("hooked"))?.state === "paused", { what: "the pause" });
  isPaused = true;
  const through = async () => (await begun.view()).stages.hooked?.ended === people;
  await until(through, { what: "everybody to be through the stage" });
  expect(await site.sum("attempts_total", { stage: "hooked" })).toBe(1);
  // A canary that has nothing to try is over after five seconds.
  expect(nextAt - retriedAt).toBeLessThan(4_000);
});
