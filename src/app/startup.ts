import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../broker/broker.ts";
import { depthsOf, unconsumedOf } from "../broker/known-queues.ts";
import { migrateQueue } from "../broker/migrate.ts";
import { textOf } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { backoff } from "../util/backoff.ts";

export interface StartOptions {
  broker: Broker;
  pipeline: Pipeline;
  log: Log;
  signal: AbortSignal;
  /** A queue.db whose messages are moved to the broker first. */
  queueToMigrate?: string | undefined;
}

/** Declares the queues and consumes once the broker is up; until then logs why it is not. */
export async function startWhenUp({ broker, pipeline, log, signal, queueToMigrate }: StartOptions): Promise<void> {
  let lastText = "";
  const sayOnce = (text: string) => {
    if (text !== lastText) log.warn(text);
    lastText = text;
  };
  for await (const _ of backoff({ firstMs: 50, maxMs: 2_000, signal })) {
    try {
      if (broker.state === "up") {
        await pipeline.declare().catch((error: unknown) => {
          // Stages whose queues can be reached start; each of the others waits for its own.
          if (broker.unreachable.size === 0) throw error;
        });
        if (queueToMigrate) await migrateQueue(queueToMigrate, broker, log);
        if (signal.aborted) return;
        pipeline.start();
        log.info(`${pipeline.workers.length} stages take work from ${broker.label}`);
        return await nameUnconsumed(broker, pipeline, log);
      }
    } catch (error) {
      sayOnce(`the stages cannot start yet: ${textOf(error)}`);
    }
    if (broker.trouble) sayOnce(`${broker.label} cannot be used yet: ${broker.trouble}`);
  }
}

async function nameUnconsumed(broker: Broker, pipeline: Pipeline, log: Log): Promise<void> {
  for (const { queue, ready } of unconsumedOf(await depthsOf(broker, pipeline.knownQueues), pipeline.consumedQueues)) {
    const text = `${queue} holds ${ready} messages and has no consumer; enable its stage, or start its worker`;
    log.warn(text, { code: "unconsumed_queue" });
  }
}

/** Logs when the broker goes away and comes back, until the returned function is called. */
export function sayBrokerStates(broker: Broker, log: Log): () => void {
  let wasUp = broker.state === "up";
  return broker.onState((state) => {
    if (state === "up" && wasUp) log.info(`${broker.label} is back`);
    if (state === "blocked") log.error(broker.trouble ?? `${broker.label} is blocked`, { code: "broker_blocked" });
    if (state === "connecting" && wasUp)
      log.error(`${broker.label} is away: ${broker.trouble ?? "no connection"}; work waits until it is back`, {
        code: "broker_away",
      });
    wasUp ||= state === "up";
  });
}

/** Why the broker is not up within that time; undefined once it is up, or when aborted. */
export async function brokerMissing(broker: Broker, ms: number, signal: AbortSignal): Promise<string | undefined> {
  const endsAt = performance.now() + ms;
  while (broker.state !== "up" && !signal.aborted) {
    if (performance.now() > endsAt) return `${broker.label} is required: ${broker.trouble ?? "no answer"}`;
    await sleep(50, undefined, { signal }).catch(() => {});
  }
  return undefined;
}
