import { Hono } from "hono";
import type { Broker } from "../broker/broker.ts";
import { depthsOf, unconsumedOf, unreachableOf } from "../broker/known-queues.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Metrics } from "../observability/metrics.ts";
import { openCases } from "../operator/cases.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { StageWorker } from "../pipeline/stage-worker.ts";
import type { CircuitBreaker } from "../upstreams/circuit-breaker.ts";
import type { PhotoClient } from "../upstreams/photos.ts";

export interface HealthOptions {
  pipeline: Pipeline;
  broker: Broker;
  breakers: ReadonlyMap<string, CircuitBreaker>;
  photos: Pick<PhotoClient, "shown">;
  removed: { readonly paths: readonly string[] };
  metrics: Metrics;
  ledger: Ledger;
  now: () => Date;
}

/** `/livez`: the process responds. `/readyz`: the daemon can do its work. `/metrics`: for Prometheus. */
export function healthRoutes(options: HealthOptions): Hono {
  const { pipeline, broker, breakers, ledger, metrics, now } = options;
  const app = new Hono();
  app.get("/livez", (c) => c.json({ status: "ok" }));
  app.get("/readyz", async (c) => {
    const view = await readinessOf(options);
    return c.json(view, view.ready ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    const depths = await depthsOf(broker, pipeline.knownQueues);
    const text = await metrics.text({
      stages: pipeline.workers.map(({ registered, inFlight, lastTakenAt }) => ({
        stage: registered.stage.name,
        inFlight,
        lastTakenAt,
      })),
      paused: pipeline.workers.flatMap((worker) => pausesOf(worker, breakers)),
      depths: new Map([...depths].map(([queue, { ready }]) => [queue, ready])),
      cases: openCases(ledger),
      now: now(),
    });
    return c.text(text, 200, { "Content-Type": metrics.contentType });
  });
  return app;
}

/**
 * Not ready when the broker or an upstream is down, a stage does not work, a queue cannot be reached, a queue with
 * messages has no consumer, or files of the daemon were removed.
 */
export async function readinessOf({ pipeline, broker, breakers, photos, removed }: HealthOptions) {
  const depths = broker.state === "up" ? await depthsOf(broker, pipeline.knownQueues) : new Map();
  const stages = pipeline.workers.map((worker) => {
    const { registered, state, stalledMs, inFlight, lastTakenAt } = worker;
    const { name, queue } = registered.stage;
    const { pause, since, hasStarted } = state;
    return {
      name,
      queue,
      state: pause ? "paused" : stalledMs !== undefined ? "stalled" : hasStarted ? "working" : "starting",
      paused: pause?.text ?? null,
      since: pause ? since : null,
      waiting: depths.get(queue)?.ready ?? null,
      inFlight,
      lastTakenAt: lastTakenAt ?? null,
    };
  });
  // Nobody waits for what follows, so its pause is no reason to call somebody.
  const following = pipeline.workers.filter(({ registered }) => registered.stage.follows !== undefined);
  const unhurried = new Set(following.map(({ registered }) => registered.stage.name));
  const unconsumed = unconsumedOf(depths, pipeline.consumedQueues);
  const unreachable = unreachableOf(broker);
  const { paths } = removed;
  const ready =
    paths.length === 0 &&
    broker.state === "up" &&
    unreachable.length === 0 &&
    [...breakers.values()].every(({ state }) => state !== "down") &&
    stages.every(({ name, state }) => state === "working" || (state === "paused" && unhurried.has(name))) &&
    unconsumed.length === 0;
  return {
    ready,
    broker: broker.state,
    trouble: broker.trouble ?? null,
    upstreams: {
      ...Object.fromEntries([...breakers].map(([name, { state }]) => [name, state])),
      photo: photos.shown.state === "down" ? "down" : "up",
    },
    stages,
    unreachable,
    unconsumed,
    removed: paths,
  };
}

/** One value for each upstream, so that a pause shows as a change from 0; "none" is a pause without an upstream. */
function pausesOf({ registered, state: { pause } }: StageWorker, breakers: ReadonlyMap<string, CircuitBreaker>) {
  const names = new Set([...breakers.keys(), "none", ...(pause?.upstream ? [pause.upstream] : [])]);
  const waitsFor = pause && (pause.upstream ?? "none");
  return [...names].map((upstream) => ({ upstream, stage: registered.stage.name, isPaused: upstream === waitsFor }));
}
