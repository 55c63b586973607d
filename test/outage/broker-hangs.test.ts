import { expect, test } from "bun:test";
import { doctor } from "../doctor/findings.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const { url } = await sharedRabbit();

test("while RabbitMQ hangs every route answers within 2 s, and readiness is red within 15 s", async () => {
  using way = await wayToRabbit(url);
  await using site = await startSite({ as: "binary", people: 2, broker: way.url });
  const { id, through } = await site.begin();
  await through();
  way.fallSilent();
  const silentAt = performance.now();
  const asked = ["/readyz", "/status", "/metrics", "/dead", "/dead/0123456789ab", "/runs", `/runs/${id}`, "/livez"];
  const timed = async (path: string, ask: () => Promise<Response>) => {
    const askedAt = performance.now();
    const { status } = await ask();
    // And one second that a busy machine may take.
    return { path, status, isSoon: performance.now() - askedAt < 3_000 };
  };
  const told = ["/doctor", "/dead/replay", "/dead/drop", "/stages/publisher/pause", "/stages/publisher/resume"];
  const body = JSON.stringify({ all: true });
  const look = () =>
    Promise.all([
      ...asked.map((path) => timed(path, () => site.fetch(path))),
      ...told.map((path) => timed(path, () => site.fetch(path, { method: "POST", body }))),
    ]);
  const trigger = () =>
    timed("trigger", () => fetch(`${site.url}/eposh-induction?from=2026-01-20&to=2026-01-20`, { method: "POST" }));
  const answers = [await trigger(), ...(await look())];
  expect((await site.get("/status")).body).toMatchObject({
    queues: null,
    deadLetters: { total: 0, note: expect.stringContaining("as they were last seen") },
  });
  await until(async () => !(await site.readyz()).ready, { what: "readiness to be red" });
  expect(performance.now() - silentAt).toBeLessThan(15_000);
  answers.push(await trigger(), ...(await look()));
  expect(answers.filter(({ isSoon }) => !isSoon)).toEqual([]);
  expect(answers.filter(({ path }) => path === "trigger").map(({ status }) => status)).toEqual([503, 503]);
  const { body: examined } = await site.get("/doctor");
  expect((examined.examinations as { system: string }[]).find(({ system }) => system === "the broker")).toMatchObject({
    isDone: false,
    findings: [
      { probe: "address", state: "ok" },
      { probe: "login", state: "waiting" },
    ],
  });
  const { named, faults } = await doctor(site);
  expect([named, faults[0]?.text]).toEqual([["the broker: no_answer"], "no answer within 10 s"]);
  // The unreachable queues turn readiness red first; the silent node itself is named a little later.
  await until(async () => (await site.readyz()).trouble?.includes("does not answer"), { what: "the reason" });
  const { out } = await site.cli("status");
  expect(out).toMatch(/RabbitMQ: connecting \(.*does not answer/);
  expect(out).toContain("queues: unknown for now");
});
