import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { openAmqp } from "../../src/broker/amqp-broker.ts";
import type { Broker } from "../../src/broker/broker.ts";
import { openSqlite } from "../../src/broker/sqlite-broker.ts";
import type { RunView } from "../../src/ledger/runs.ts";
import { startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, run, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";

const rabbit = await sharedRabbit();
const transports = [
  ["the embedded queue", "sqlite:"],
  ["RabbitMQ", rabbit.url],
] as const;

describe.each(transports)("with %s", (_, url) => {
  test("a run whose daemon is killed goes on with the dates that are left, and its counts are right", async () => {
    await using simulators = await startSimulators({ people: 170 });
    const { eposh, hikcentral } = simulators;
    eposh.faults.set({ kind: "slow", match: "/api/", minMs: 40, maxMs: 60 });
    const folder = temporaryFolder();
    const env = { ...environmentOf(simulators), BROKER_URL: url };
    let daemon = await startDaemon(env, folder);
    await until(async () => (await daemon.get("/readyz")).status === 200, { what: "the stages to take work" });
    const { body } = await daemon.trigger(undefined, { prefer: "respond-async" });
    const view = async () => (await daemon.get(`/runs/${body.run}`)).body as unknown as RunView;
    for (const done of [3, 8, 12]) {
      await until(async () => (await view()).fetched.done >= done, { what: `${done} dates to be fetched` });
      expect((await view()).status).not.toBe("done");
      process.kill(daemon.pid, "SIGKILL");
      await daemon.stop();
      daemon = await startDaemon(env, folder);
    }
    await until(async () => (await view()).status === "done", { timeoutMs: 60_000, what: "the run to be through" });
    expect(await view()).toMatchObject({
      employees: 170,
      through: 170,
      dead: 0,
      fetched: { done: 17, dead: 0, of: 17 },
    });
    expect((await view()).stages["assign-privilege"]).toEqual({ done: 170 });
    expect(new Set(hikcentral.state().persons.map(({ personCode }) => personCode)).size).toBe(170);
    // Dates that were worked off before are not fetched again.
    expect(eposh.pages["2026-01-01 1"]).toBe(1);
    await daemon.stop();
  });

  test("a letter is at its stage before it leaves the dead: a replay that is killed loses none", async () => {
    await using simulators = await startSimulators({ people: 0 });
    const folder = temporaryFolder();
    const env = { ...environmentOf(simulators), BROKER_URL: url };
    const open = async (): Promise<Broker> => {
      const broker = url === "sqlite:" ? openSqlite({ file: join(folder, "queue.db") }) : await openAmqp({ url });
      await until(() => broker.state === "up", { what: "the broker" });
      return broker;
    };
    const [main, dead] = ["hikvision_update_kib", "hikvision_update_kib.dead"];
    const letters = Array.from({ length: 1_000 }, (_, at) => ({ body: JSON.stringify({ personId: `${at}` }) }));
    {
      await using broker = await open();
      await broker.declare([main, dead]);
      await broker.publish(dead, letters);
    }
    const textsIn = async (broker: Broker, queue: string) => {
      const texts: string[] = [];
      for await (const { body } of broker.browse(queue)) texts.push(new TextDecoder().decode(body));
      return texts;
    };
    /** RabbitMQ gives back what a dead daemon had in hand a moment later. */
    const look = () =>
      until(
        async () => {
          await using broker = await open();
          const found = { main: await textsIn(broker, main), dead: await textsIn(broker, dead) };
          return new Set([...found.main, ...found.dead]).size === 1_000 && found;
        },
        { what: "every letter to be in one queue or the other" },
      );
    let interrupted = 0;
    for (let kills = 1; kills <= 4; kills++) {
      const daemon = await startDaemon(env, folder);
      const call = (path: string, body?: unknown) =>
        fetch(`${daemon.url}${path}`, { method: "POST", ...(body ? { body: JSON.stringify(body) } : {}) });
      await until(() => daemon.output().includes("take work from"), { what: "the stages to take work" });
      await call("/stages/update-kib/pause");
      const waiting = async () => {
        const { stages } = (await daemon.get("/readyz")).body as { stages: { name: string; waiting: number }[] };
        return stages.find(({ name }) => name === "update-kib")?.waiting ?? 0;
      };
      const before = await waiting();
      const replaying = call("/dead/replay", { limit: 400 }).catch(() => undefined);
      await until(async () => (await waiting()) > before, { everyMs: 1, what: "the replay to begin" });
      process.kill(daemon.pid, "SIGKILL");
      await Promise.all([replaying, daemon.stop()]);
      const found = await look();
      if (found.main.length < 400 * kills && found.dead.length > 0) interrupted += 1;
      expect(found.main.length + found.dead.length).toBeLessThanOrEqual(1_000 + 3 * kills);
    }
    expect(interrupted).toBeGreaterThan(0);
    const rest = await run("dead replay --json", { ...env, STATE_FOLDER: folder, HTTP_PORT: "1" });
    expect(rest.exit).toBe(0);
    expect((await look()).dead).toEqual([]);
  });
});
