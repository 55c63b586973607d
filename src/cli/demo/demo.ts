import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineCommand } from "citty";
import { type Daemon, startDaemon } from "../../app/daemon.ts";
import { brokerMissing } from "../../app/startup.ts";
import type { Broker } from "../../broker/broker.ts";
import { openBroker } from "../../broker/open.ts";
import { datesOf } from "../../config/dates.ts";
import { type Config, readConfig } from "../../config/load.ts";
import { Exit, exits } from "../../errors.ts";
import { endBaseline, noteMembers, recallFrom } from "../../ledger/cases/situations.ts";
import type { Tally } from "../../ledger/runs.ts";
import { createLog } from "../../observability/log.ts";
import { compare } from "../../reconcile/comparison.ts";
import { countsOf } from "../../reconcile/fixes.ts";
import { builtinNames, builtins } from "../../registry/builtin.ts";
import { type Simulators, startSimulators } from "../../simulator/start.ts";
import { backoff } from "../../util/backoff.ts";
import { numberOf } from "../args.ts";
import { DaemonClient } from "../daemon-client.ts";
import { tableOf } from "../daily/verify.ts";
import { untilStopped } from "../exit.ts";
import { mask, Progress, print } from "../output.ts";
import { oddityReport } from "./odd.ts";
import { breakOne, isSabotage, sabotages } from "./sabotage.ts";

const brokerWithinMs = 5_000;
const queuesWithinMs = 60_000;
const followMs = 120_000;
/** A depth may be half a second old. */
const lookAgainMs = 600;
/** In the help: what it describes stands in the second column. */
const namesOfSabotage = [sabotages.slice(0, 5), sabotages.slice(5, 8), sabotages.slice(8)]
  .map((names) => `${" ".repeat(25)}${names.join(", ")}`)
  .join(",\n");

export default defineCommand({
  meta: { name: "demo", description: "Run the whole job on this machine, with simulators" },
  args: {
    once: { type: "boolean", description: "exit after the run; 0 only if all agree" },
    people: { type: "string", valueHint: "n", default: "1543", description: "number of employees" },
    odd: { type: "boolean", description: "add employees with bad data" },
    broker: {
      type: "string",
      valueHint: "amqp://…",
      description: "a RabbitMQ, not the embedded queue",
    },
    sabotage: {
      type: "string",
      valueHint: "what",
      description: `break one record before comparing:\n${namesOfSabotage}`,
    },
  },
  async run({ args }) {
    using stop = untilStopped();
    const { signal } = stop;
    const { sabotage, broker, once: isOnce, odd = false } = args;
    if (sabotage !== undefined && !isSabotage(sabotage)) {
      throw new Exit(exits.usage, `--sabotage must be one of ${sabotages.join(", ")}`);
    }
    const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-demo-"));
    await using opened = new AsyncDisposableStack();
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    const simulators = opened.use(await startSimulators({ people: numberOf("people", args), odd }));
    const { eposh, hikcentral } = simulators;
    const env = environmentOf(simulators, folder, broker);
    const { config, ...loaded } = readConfig({ env, defaultFile: "/nonexistent", stageNames: builtinNames });
    mask.hide(loaded.secrets);
    if (broker) await mustBeUnused(config, signal);
    const log = createLog({ level: "error", format: "pretty", mask, write: () => true });
    const daemon = await startDaemon({ loaded: { config, ...loaded }, log });
    opened.defer(() => daemon.stop());

    const dates = datesOf({ ...config.induction, today: config.induction.to });
    print(`A simulated Eposh with ${dates.length} dates, an empty simulated HikCentral, and ${daemon.broker.label}`);
    const startedAt = performance.now();
    const client = new DaemonClient(config.http.socket);
    const run = await induct(daemon, client, signal);
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    await followed(daemon, signal);
    const view = await client.run(run);
    const { ledger } = daemon;
    const look = () =>
      compare(daemon.clients, config, { dates, signal, recall: async (asked) => recallFrom(ledger, asked) }).catch(
        (error) => {
          signal.throwIfAborted();
          throw error;
        },
      );
    if (sabotage) {
      // As after the first night: who comes later is news.
      noteMembers(ledger, (await look()).members ?? []);
      endBaseline(ledger.rows);
      print(`Sabotage: ${breakOne(sabotage, simulators)}`);
    }
    const comparison = await look();
    const { differences, problems } = odd ? oddityReport(comparison, view) : { ...comparison, problems: [] };
    const { warnings, deadLetters, employees } = view;
    const total = (tallies: readonly Tally[]) => String(tallies.reduce((sum, { count }) => sum + count, 0));
    const more = [
      ["warnings", total(warnings)],
      ["dead letters", total(deadLetters)],
      ["seconds", seconds],
    ];
    print(tableOf({ ...comparison, differences }, more));
    for (const { code, count } of warnings) print(`warning ${code}: ${count}`);
    for (const { code, count } of deadLetters) print(`dead letter ${code}: ${count}`);
    for (const text of problems) print(`not as expected: ${text}`);
    const isThrough = view.status === "done" && (odd || warnings.length + deadLetters.length === 0);
    const isGood = isThrough && differences.length + problems.length === 0;
    const agree = odd ? "agree, or have the warning or dead letter that they must have" : "agree";
    const others = isThrough && !odd && countsOf(comparison).differing === 0;
    if (isGood) print(`All ${employees} employees ${agree}`);
    else if (others) print(`All ${employees} employees ${agree}, but HikCentral has what no record explains`);
    else print(`NOT all ${employees} employees ${agree}`);

    if (!isOnce) {
      print(`
Running until Ctrl-C. Try:
  STATE_FOLDER=${folder} hikvision-sync open  # the page, as an operator
  curl -X POST ${daemon.url}/eposh-induction  # the same again: it changes nothing
  curl --unix-socket ${config.http.socket} http://localhost/runs  # every run in numbers
  curl ${eposh.origin}/_state  # what Eposh was asked for
  curl ${hikcentral.origin}/_state  # what HikCentral holds`);
      if (!signal.aborted) await once(signal, "abort");
    }
    return isGood ? exits.ok : exits.failed;
  },
});

const environmentOf = (simulators: Simulators, folder: string, broker: string | undefined) => ({
  ...simulators.env,
  ...(broker && { BROKER_URL: broker }),
  HIKCENTRAL_CONCURRENCY: "8",
  // What fails here fails permanently: long delays would only cost time.
  BROKER_RETRY_DELAYS: "1s,2s,3s",
  HTTP_PORT: "0",
  STATE_FOLDER: folder,
});

/** The demo would consume real messages from these queues and send real employees to the simulator. */
async function mustBeUnused(config: Config, signal: AbortSignal): Promise<void> {
  await using broker = await openBroker(config);
  await mustBeUp(broker, signal);
  const queues = Object.values(builtins).map(({ queue }) => queue);
  const depths = await broker.depths(queues, signal);
  for (const queue of queues) {
    const { ready = 0, consumers = 0 } = depths.get(queue) ?? {};
    if (ready + consumers === 0) continue;
    const use = `${queue} has ${ready} messages and ${consumers} consumers`;
    throw new Exit(exits.unavailable, `this RabbitMQ is in use: ${use}. Give the demo an empty virtual host`);
  }
}

async function mustBeUp(broker: Broker, signal: AbortSignal): Promise<void> {
  const missing = await brokerMissing(broker, brokerWithinMs, signal);
  if (missing) throw new Exit(exits.unavailable, missing);
  signal.throwIfAborted();
}

/** Triggers a run over the configured dates, as a user would, and shows the progress of each stage until it is done. */
async function induct({ broker, pipeline }: Daemon, client: DaemonClient, signal: AbortSignal): Promise<string> {
  await mustBeUp(broker, signal);
  // n.b. A RabbitMQ on a slow disk declares the queues of all stages in seconds, and a trigger waits for it only 2 s.
  const isLate = AbortSignal.any([signal, AbortSignal.timeout(queuesWithinMs)]);
  for await (const _ of backoff({ firstMs: 50, signal: isLate }))
    if (pipeline.workers.every(({ state }) => state.hasStarted)) break;
  const started = await client.call("POST", "/eposh-induction", undefined, { prefer: "respond-async" });
  if (started.status !== 202) throw new Exit(exits.failed, String(started.body.error));
  const run = String(started.body.run);
  const progress = new Progress();
  const stages = pipeline.workers.map(({ registered }) => registered.stage.name);
  for await (const { employees, stages: counts, status } of client.follow(run, { everyMs: 250, signal })) {
    const bars = stages.map((label) => {
      const { done = 0, ended = 0, dead = 0, retry = 0 } = counts[label] ?? {};
      const note = [dead > 0 && `${dead} dead`, retry > 0 && `${retry} waiting`].filter(Boolean).join(", ");
      return { label, done: done + ended, of: employees, ...(note && { note }) };
    });
    progress.show(bars, status === "done");
  }
  signal.throwIfAborted();
  return run;
}

/** A photo that takes long does not hold up its person: the run is done, and the face follows. */
async function followed({ broker, pipeline }: Daemon, signal: AbortSignal): Promise<void> {
  const followers = pipeline.workers.filter(({ registered }) => registered.stage.follows !== undefined);
  const theirs = followers.map(({ registered }) => registered.stage.queue);
  const isTheirs = (queue: string) => theirs.some((own) => queue === own || queue.startsWith(`${own}.retry.`));
  const queues = pipeline.queues.filter(isTheirs);
  const isLate = AbortSignal.any([signal, AbortSignal.timeout(followMs)]);
  let empty = 0;
  for await (const _ of backoff({ firstMs: lookAgainMs, signal: isLate })) {
    const depths = await broker.depths(queues, signal);
    const waiting = queues.reduce((sum, queue) => sum + (depths.get(queue)?.ready ?? 0), 0);
    // In progress is also a message that waits for its retry; one that moves on meanwhile is counted by the second look.
    empty = waiting + pipeline.inFlight === 0 ? empty + 1 : 0;
    if (empty === 2) break;
  }
}
