import { Hono } from "hono";
import { depthsOf } from "../broker/known-queues.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Metrics } from "../observability/metrics.ts";
import { openCases } from "../operator/cases.ts";
import type { StageWorker } from "../pipeline/stage-worker.ts";
import type { CircuitBreaker } from "../upstreams/circuit-breaker.ts";
import { type ReadinessOptions, readinessOf } from "./readiness.ts";

export interface HealthOptions extends ReadinessOptions {
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

/** One value for each upstream, so that a pause shows as a change from 0; "none" is a pause without an upstream. */
function pausesOf({ registered, state: { pause } }: StageWorker, breakers: ReadonlyMap<string, CircuitBreaker>) {
  const names = new Set([...breakers.keys(), "none", ...(pause?.upstream ? [pause.upstream] : [])]);
  const waitsFor = pause && (pause.upstream ?? "none");
  return [...names].map((upstream) => ({ upstream, stage: registered.stage.name, isPaused: upstream === waitsFor }));
}
