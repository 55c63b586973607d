import { expect, test } from "bun:test";
import { startSite } from "../support/site.ts";
import { folderWith } from "../support/stage-files.ts";
import { until } from "../support/until.ts";

/** Ends its process when it meets one KIB number, as a broken picture can. */
const killer = `import { defineStage, end, v } from "hikvision-sync";
export default defineStage({
  name: "killer",
  queue: "hikvision_killer",
  after: "publisher",
  message: v.object({ employee: v.object({ kib_number: v.string() }) }),
  async run({ employee }) {
    await Bun.sleep(20);
    if (employee.kib_number === "2600003") process.kill(process.pid, "SIGKILL");
    return end("seen");
  },
});
`;

test.concurrent.each([
  ["the embedded queue", "embedded"],
  ["RabbitMQ", "rabbitmq"],
])(
  "with %s, what was in progress at four abrupt ends, the last one alone, is a dead letter and takes nobody with it",
  async (_, broker) => {
    const env = { STAGES_FOLDER: folderWith({ "killer.ts": killer }), BROKER_STALL_TIMEOUT: "6s" };
    await using site = await startSite({ as: "binary", people: 12, broker, env, mayWait: true });
    await site.begin();
    for (let ends = 1; ends <= 4; ends++) {
      const isOver = () =>
        site.get("/livez").then(
          () => false,
          () => true,
        );
      await until(isOver, { what: `end ${ends}` });
      await site.kill();
      await site.start();
    }
    const dead = async () => (await site.get("/dead")).body as { total: number; groups: { ids: string[] }[] };
    const { total, groups } = await until(async () => (await dead()).total > 0 && (await dead()), {
      what: "the dead letter",
    });
    expect({ total, groups }).toMatchObject({
      total: 1,
      groups: [{ stage: "killer", code: "crashed_daemon", count: 1 }],
    });
    const letter = (await site.get(`/dead/${groups[0]?.ids[0]}`)).body;
    expect(letter).toMatchObject({
      kib: "2600003",
      attempts: 1,
      text: expect.stringContaining("the daemon crashed 4 times"),
    });
    // n.b. Of the stages of a daemon that has just started nothing is counted yet.
    const isThrough = async () => site.atTheGate().length === 12 && (await site.left()) === 0;
    await until(isThrough, { what: "all to be through" });
    expect(site.hikcentral.state().persons).toHaveLength(12);
    expect(await dead()).toMatchObject({ total: 1 });
  },
);
