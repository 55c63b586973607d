import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openAmqp } from "../../src/broker/amqp-broker.ts";
import type { Broker } from "../../src/broker/broker.ts";
import { openSqlite } from "../../src/broker/sqlite/sqlite-broker.ts";
import { messagesIn } from "../support/messages.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

/** So many that a replay is not over before it is seen to have begun; some are left after the last kill. */
const [atATime, kills] = [1_000, 4];
const count = (kills + 1) * atATime;

describe.each([
  ["the embedded queue", "embedded"],
  ["RabbitMQ", "rabbitmq"],
] as const)("with %s", (_, transport) => {
  test("a run whose daemon is killed goes on with the dates that are left, and its counts are right", async () => {
    const faults = { eposh: [{ kind: "slow", match: "/api/", minMs: 40, maxMs: 60 }] } as const;
    await using site = await startSite({ as: "binary", broker: transport, people: 170, faults });
    const { eposh, hikcentral } = site;
    const { view, through } = await site.begin();
    for (const done of [3, 8, 12]) {
      await until(async () => (await view()).fetched.done >= done, { what: `${done} dates to be fetched` });
      expect((await view()).status).not.toBe("done");
      await site.kill();
      await site.start();
    }
    expect(await through()).toMatchObject({
      employees: 170,
      through: 170,
      dead: 0,
      fetched: { done: 17, dead: 0, of: 17 },
    });
    expect((await view()).stages["assign-privilege"]).toEqual({ done: 170 });
    expect(new Set(hikcentral.state().persons.map(({ personCode }) => personCode)).size).toBe(170);
    // Dates that were worked off before are not fetched again.
    expect(eposh.pages["2026-01-01 1"]).toBe(1);
  });

  test("a letter is at its stage before it leaves the dead: a replay that is killed loses none", async () => {
    await using site = await startSite({ as: "binary", broker: transport, start: false });
    const { folder, env } = site;
    const open = async (): Promise<Broker> => {
      const url = env.BROKER_URL;
      const broker = url ? await openAmqp({ url }) : openSqlite({ file: join(folder, "queue.db") });
      await until(() => broker.state === "up", { what: "the broker" });
      return broker;
    };
    const [main, dead] = ["hikvision_update_kib", "hikvision_update_kib.dead"];
    const letters = Array.from({ length: count }, (_, at) => ({ body: JSON.stringify({ personId: `${at}` }) }));
    {
      await using broker = await open();
      await broker.declare([main, dead]);
      await broker.publish(dead, letters);
    }
    const textsIn = async (broker: Broker, queue: string) => {
      const texts: string[] = [];
      for await (const { body } of messagesIn(broker, queue)) texts.push(new TextDecoder().decode(body));
      return texts;
    };
    /** RabbitMQ gives back what a dead daemon had in hand a moment later. */
    const look = () =>
      until(
        async () => {
          await using broker = await open();
          const found = { main: await textsIn(broker, main), dead: await textsIn(broker, dead) };
          return new Set([...found.main, ...found.dead]).size === count && found;
        },
        { what: "every letter to be in one queue or the other" },
      );
    let interrupted = 0;
    for (let killed = 1; killed <= kills; killed++) {
      await site.start();
      await site.post("/stages/update-kib/pause");
      const waiting = async () => (await site.stage("update-kib"))?.waiting ?? 0;
      const before = await waiting();
      let replaying: Promise<unknown> | undefined;
      const replay = async () => {
        await site.post("/dead/replay", { limit: atATime }).catch(() => undefined);
        replaying = undefined;
      };
      const hasBegun = async () => {
        if ((await waiting()) > before) return true;
        // One that comes before RabbitMQ has given back what the killed daemon had in hand finds nothing.
        replaying ??= replay();
        return false;
      };
      await until(hasBegun, { everyMs: 1, what: "the replay to begin" });
      await Promise.all([replaying, site.kill()]);
      const found = await look();
      if (found.main.length < atATime * killed && found.dead.length > 0) interrupted += 1;
      // Those that were in progress together when it was killed may be in both: they are tried once more.
      expect(found.main.length + found.dead.length).toBeLessThanOrEqual(count + 100 * killed);
    }
    expect(interrupted).toBeGreaterThan(0);
    // RabbitMQ gives back what was looked at a moment later too.
    const replayRest = async () => {
      const rest = await site.cli("dead replay --yes --json");
      expect(rest.exit).toBe(0);
      return (await look()).dead.length === 0;
    };
    await until(replayRest, { timeoutMs: 60_000, everyMs: 500, what: "all others to be replayed" });
    // On RabbitMQ thousands are looked at one by one after each kill: 50 s with both processors, and 120 in company.
  }, 360_000);
});
