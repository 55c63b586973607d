import { expect, test } from "bun:test";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const { url } = await sharedRabbit();
/** There and back it is a quarter of a second. */
const delayMs = 125;

test("a reload while a far RabbitMQ is still asked for its queues leaves a daemon that works", async () => {
  using way = await wayToRabbit(url, { delayMs });
  await using site = await startSite({ as: "binary", people: 2, broker: way.url, mayWait: true });
  await until(async () => (await site.readyz()).broker === "up", { what: "the connection" });
  expect(site.output()).not.toContain("take work from");
  process.kill(site.pid, "SIGHUP");
  await until(() => site.output().includes("Reloaded"), { what: "the reload" });
  await until(async () => (await site.readyz()).ready, { what: "the stages to take work" });
  await site.induct();
  expect(site.atTheGate()).toHaveLength(2);
});

test("every trigger of a far RabbitMQ answers within 2 s, the fifth one as the first", async () => {
  using way = await wayToRabbit(url, { delayMs });
  // systemd's line of status asks for all queues every other second, or every six where it stays the same.
  const env = { NOTIFY_SOCKET: "@nobody-hears-this" };
  await using site = await startSite({ as: "binary", broker: way.url, env });
  const tookMs: number[] = [];
  for (const from of ["2026-01-01", "2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"]) {
    const askedAt = performance.now();
    await site.begin({ from, to: from });
    tookMs.push(performance.now() - askedAt);
    await site.readyz();
  }
  // And one second that a busy machine may take.
  expect(tookMs.filter((ms) => ms > 3_000)).toEqual([]);
});
