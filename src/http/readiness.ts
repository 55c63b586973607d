import type { Broker } from "../broker/broker.ts";
import { depthsOf, unconsumedOf, unreachableOf } from "../broker/known-queues.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { CircuitBreaker } from "../upstreams/circuit-breaker.ts";
import type { PhotoClient } from "../upstreams/photos.ts";

export interface ReadinessOptions {
  pipeline: Pipeline;
  broker: Broker;
  breakers: ReadonlyMap<string, CircuitBreaker>;
  photos: Pick<PhotoClient, "shown">;
  removed: { readonly paths: readonly string[] };
}

/**
 * Not ready when the broker or an upstream is down, a stage does not work, a queue cannot be reached, a queue with
 * messages has no consumer, or files of the daemon were removed.
 */
export async function readinessOf({ pipeline, broker, breakers, photos, removed }: ReadinessOptions) {
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
