import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../broker/broker.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { runOf } from "../ledger/runs.ts";
import type { Log } from "../observability/log.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { deadQueueOf } from "../pipeline/retry/queues.ts";
import type { StageWorker } from "../pipeline/stage-worker.ts";

export interface LostRunsOptions {
  broker: Broker;
  ledger: Ledger;
  pipeline: Pipeline;
  log: Log;
}

/** Between two checks that must agree: a message between two queues may be seen in neither. */
const lookAgainMs = 1_000;
const askForMs = 2_000;

/**
 * Closes the runs that are open in the ledger while no queue holds a message and no message is in progress. They are
 * done, or somebody purged or replaced a queue and nothing of them will come. Their dates are then free again.
 */
export async function closeLostRuns(options: LostRunsOptions): Promise<void> {
  const { ledger, log } = options;
  const open = ledger.rows<{ id: string }>("select id from runs where closed is null and part = 0");
  if (open.length === 0 || (await isWorkLeft(options))) return;
  await sleep(lookAgainMs);
  if (await isWorkLeft(options)) return;
  for (const { id } of open) {
    const view = runOf(ledger.rows, id);
    const isLost = view?.status === "fetching" || view?.status === "working";
    ledger.closeRun(id, isLost ? "lost" : "done");
    if (!isLost) continue;
    const text = `run ${id} is lost: it is not done, and no queue holds a message of it. Trigger its dates again`;
    log.warn(text, { run: id, code: "run_lost" });
  }
}

/**
 * True also where the broker does not tell, and where somebody else takes from our queues: another daemon, or a
 * connection of ours that is gone and that RabbitMQ does not miss yet, with all that was in progress on it.
 */
async function isWorkLeft({ broker, pipeline }: LostRunsOptions): Promise<boolean> {
  if (broker.state !== "up" || broker.unreachable.size > 0 || pipeline.inFlight > 0) return true;
  const depths = await broker.depths(pipeline.knownQueues, AbortSignal.timeout(askForMs)).catch(() => undefined);
  if (depths === undefined || broker.unreachable.size > 0 || pipeline.inFlight > 0) return true;
  const hasOthers = ({ registered: { stage } }: StageWorker) => depths.get(stage.queue)?.isShared ?? false;
  return (
    pipeline.workers.some(hasOthers) ||
    [...depths].some(([queue, { ready }]) => ready > 0 && !queue.endsWith(deadQueueOf("")))
  );
}
