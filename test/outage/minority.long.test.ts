import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { doctor } from "../doctor/findings.ts";
import type { RabbitNode } from "../support/rabbitmq.ts";
import { rabbit4For, startCluster } from "../support/rabbitmq4.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const installation = await rabbit4For("a cluster without a majority");
const cluster = installation && (await startCluster(installation, { whenSplit: "ignore" }));
afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000);

const ends = {
  killed: (node: RabbitNode) => node.kill(),
  stopped: async ({ pid }: RabbitNode) => {
    process.kill(pid, "SIGTERM");
    await until(() => !existsSync(`/proc/${pid}`), { timeoutMs: 60_000, what: "a node to stop" });
  },
};

test.skipIf(cluster === undefined).each(Object.entries(ends))(
  "quorum queues without a majority, because two of three nodes were %s, are named within 15 s, everything answers within 2 s, and they go on with the nodes",
  async (_, end) => {
    const { nodes } = cluster as NonNullable<typeof cluster>;
    // The daemon declares its queues at the first one, which then leads them and is left.
    const [, ...others] = nodes;
    const broker = nodes.map(({ url }) => url).join(",");
    await using site = await startSite({ as: "binary", people: 3, broker, env: { BROKER_QUEUE_TYPE: "quorum" } });
    await (await site.begin({ from: "2026-01-01", to: "2026-01-01" })).through();
    expect((await site.readyz()).ready).toBe(true);
    await Promise.all(others.map(end));
    const endedAt = performance.now();
    const unreachable = async () =>
      ((await site.get("/readyz")).body as { unreachable: { queue: string }[] }).unreachable;
    await until(async () => (await unreachable()).length > 0, { timeoutMs: 60_000, what: "a queue to be named" });
    console.log(`STEP named after ${Math.round(performance.now() - endedAt)} ms`);
    expect(performance.now() - endedAt).toBeLessThan(15_000);
    const all = ["hikvision_queue", "hikvision_create_person", "hikvision_update_kib", "hikvision_assign_privilege"];
    const areNamed = async () => {
      const named = (await unreachable()).map(({ queue }) => queue);
      return all.every((queue) => named.includes(queue));
    };
    await until(areNamed, { timeoutMs: 60_000, what: "all queues to be named" });
    // For 30 s, in which RabbitMQ gives up on what it could not answer.
    let greens = 0;
    const slow: string[] = [];
    for (const startedAt = performance.now(); performance.now() - startedAt < 30_000; ) {
      for (const path of ["/status", "/readyz", "/dead", "/metrics", "/runs", "/doctor"]) {
        const askedAt = performance.now();
        const { status } = await site.fetch(path, { method: path === "/doctor" ? "POST" : "GET" });
        if (performance.now() - askedAt > 2_000) slow.push(path);
        if (path === "/readyz" && status === 200) greens++;
      }
      await Bun.sleep(500);
    }
    expect({ greens, slow }).toEqual({ greens: 0, slow: [] });
    const askedAt = performance.now();
    const { status } = await fetch(`${site.url}/eposh-induction?from=2026-01-20&to=2026-01-20`, { method: "POST" });
    expect([status, performance.now() - askedAt < 2_000]).toEqual([503, true]);
    const { named } = await doctor(site);
    expect(named).toContain("the broker: unreachable_queues");
    await Promise.all(others.map((node) => node.restart()));
    await until(async () => (await site.readyz()).ready, { timeoutMs: 60_000, what: "the daemon to be ready again" });
    await site.induct();
    expect(site.atTheGate()).toHaveLength(3);
  },
  300_000,
);
