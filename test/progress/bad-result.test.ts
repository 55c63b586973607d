import { expect, test } from "bun:test";
import { startSite } from "../support/site.ts";
import { folderWith } from "../support/stage-files.ts";
import { until } from "../support/until.ts";

/** A stage that hands on what is no message, and one that would take anything. */
const files = {
  "thoughtless.ts": `import { defineStage, many, v } from "hikvision-sync";
export default defineStage({
  name: "thoughtless",
  queue: "site_thoughtless",
  after: "publisher",
  message: v.looseObject({}),
  run: async () => many([undefined]),
});
`,
  "lenient.ts": `import { defineStage, end, v } from "hikvision-sync";
export default defineStage({
  name: "lenient",
  queue: "site_lenient",
  after: "thoughtless",
  message: v.any(),
  run: async () => end("taken"),
});
`,
};

test.each(["embedded", "rabbitmq"])(
  "%s: many([undefined]) is a dead letter bad_result, the broker stays up and everybody else goes on",
  async (broker) => {
    await using site = await startSite({ people: 12, broker, env: { STAGES_FOLDER: folderWith(files) } });
    const states: string[] = [];
    site.daemon.broker.onState((state) => states.push(state));
    const run = await site.begin();
    await until(() => site.atTheGate().length === 12, { what: "everybody at the gate" });
    const dead = async () => (await site.get("/dead")).body as { total: number; groups: object[] };
    const { groups } = await until(async () => (await dead()).total === 12 && (await dead()), { what: "the letters" });
    expect(groups).toMatchObject([{ stage: "thoughtless", code: "bad_result", count: 12 }]);
    expect(states.filter((state) => state !== "up")).toEqual([]);
    expect(site.output()).not.toContain("cannot be written");
    await run.through();
  },
);
