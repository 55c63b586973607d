import { expect, test } from "bun:test";
import { type Supervised, supervise } from "../../src/app/systemd.ts";
import type { BrokerState } from "../../src/broker/broker.ts";
import { until } from "../support/until.ts";

/** As much of a daemon as is looked at; change it freely. */
function daemonWith({ state = "up" as BrokerState, consuming = true } = {}) {
  const depths: Record<string, number> = { create: 9, "create.retry.5s": 2, "create.dead": 1 };
  const worker = {
    registered: { stage: { name: "create-person", queue: "create" } },
    state: {
      hasStarted: consuming,
      pause: undefined as { reason: string; code: string } | undefined,
      since: new Date("2026-01-01T19:14:00Z"),
    },
    stalledMs: undefined as number | undefined,
  };
  const hikcentral = { name: "hikcentral", state: "up", downSince: undefined as Date | undefined };
  const broker = {
    label: "RabbitMQ",
    state,
    trouble: "connection refused",
    unreachable: new Map<string, string>(),
    depths: async (queues: readonly string[]) =>
      new Map(queues.map((queue) => [queue, { ready: depths[queue] ?? 0, consumers: 1, isShared: false }])),
  };
  const pipeline = { workers: [worker], inFlight: 1, knownQueues: Object.keys(depths) };
  const daemon = { broker, pipeline, clients: { breakers: new Map([["hikcentral", hikcentral]]) } };
  return { daemon: daemon as unknown as Supervised, broker, worker, hikcentral };
}

function told(daemon: Supervised, watchdogMs = 0) {
  const heard: string[] = [];
  const notify = (...states: readonly string[]) => void heard.push(...states);
  const supervision = supervise(daemon, { notify, timeZone: "Asia/Jakarta", watchdogMs, everyMs: 5 });
  const hears = (state: string) => until(() => heard.includes(state), { what: `${state} in ${heard.slice(-3)}` });
  return { heard, hears, [Symbol.dispose]: () => supervision[Symbol.dispose]() };
}

test("READY waits for the broker and for the stages", async () => {
  const { daemon, broker, worker } = daemonWith({ state: "connecting", consuming: false });
  using systemd = told(daemon);
  await systemd.hears("STATUS=RabbitMQ cannot be reached: connection refused");
  broker.state = "up";
  await Bun.sleep(60);
  expect(systemd.heard).not.toContain("READY=1");
  worker.state.hasStarted = true;
  await systemd.hears("READY=1");
  await systemd.hears("STATUS=1 stages · 12 waiting · 1 dead");
  expect(systemd.heard.filter((state) => state === "READY=1")).toHaveLength(1);
});

test("READY does not wait for a stage whose queue cannot be reached", async () => {
  const { daemon, broker } = daemonWith({ consuming: false });
  using systemd = told(daemon);
  await systemd.hears("STATUS=starting");
  broker.unreachable.set("create", "its node is down");
  await systemd.hears("READY=1");
});

test("STATUS says what is down and since when, what is paused and what stalls", async () => {
  const { daemon, broker, worker, hikcentral } = daemonWith();
  using systemd = told(daemon);
  Object.assign(hikcentral, { state: "down", downSince: new Date("2026-01-01T19:14:00Z") });
  await systemd.hears("STATUS=1 stages · 12 waiting · 1 dead · HikCentral down since 02:14");
  Object.assign(hikcentral, { state: "up", downSince: undefined });
  broker.unreachable.set("create", "its node is down");
  await systemd.hears("STATUS=1 stages · 12 waiting · 1 dead · 1 queues cannot be reached");
  broker.unreachable.clear();
  worker.state.pause = { reason: "setup", code: "wrong_key" };
  await systemd.hears("STATUS=1 stages · 12 waiting · 1 dead · create-person paused since 02:14 (wrong_key)");
  worker.state.pause = undefined;
  worker.stalledMs = 60_000;
  await systemd.hears("STATUS=1 stages · 12 waiting · 1 dead · create-person stalled");
  worker.stalledMs = undefined;
  broker.state = "blocked";
  broker.depths = () => Promise.reject(new Error("blocked"));
  await systemd.hears("STATUS=1 stages · RabbitMQ blocked");
});

test("the watchdog starves while a stage stalls", async () => {
  const { daemon, worker } = daemonWith();
  using systemd = told(daemon, 15);
  await systemd.hears("WATCHDOG=1");
  worker.stalledMs = 60_000;
  await systemd.hears("STATUS=1 stages · 12 waiting · 1 dead · create-person stalled");
  const fed = () => systemd.heard.filter((state) => state === "WATCHDOG=1").length;
  const before = fed();
  const looks = systemd.heard.length;
  await until(() => systemd.heard.length > looks + 20, { what: "more looks" });
  expect(fed()).toBe(before);
});
