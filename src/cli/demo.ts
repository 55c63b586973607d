import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineCommand } from "citty";
import { builtinNames } from "../builtin.ts";
import { readConfig } from "../config.ts";
import { type Daemon, startDaemon } from "../daemon.ts";
import { datesOf } from "../dates.ts";
import { Exit, exits } from "../errors.ts";
import type { RunView } from "../ledger-runs.ts";
import { createLog } from "../log.ts";
import { type Simulators, startSimulators } from "../simulator/simulators.ts";
import { compare } from "../verify.ts";
import { DaemonClient } from "./daemon-client.ts";
import { oddityReport } from "./demo-odd.ts";
import { breakOne, isSabotage, sabotages } from "./demo-sabotage.ts";
import { mask, say, untilStopped } from "./frame.ts";
import { numberOf } from "./number.ts";
import { Progress } from "./progress.ts";
import { tableOf } from "./verify.ts";

export default defineCommand({
  meta: { name: "demo", description: "The whole main job on this machine, against simulators" },
  args: {
    once: { type: "boolean", description: "end after the run; exit 0 only if all agree" },
    people: { type: "string", valueHint: "n", default: "1543", description: "how many employees Eposh has" },
    odd: { type: "boolean", description: "add people with every kind of bad data" },
    broker: {
      type: "string",
      valueHint: "amqp://…",
      description: "a RabbitMQ to try with, instead of the embedded queue",
    },
    sabotage: {
      type: "string",
      valueHint: sabotages.join("|"),
      description: "break one record at HikCentral before comparing",
    },
  },
  async run({ args }) {
    using stop = untilStopped();
    const sabotage = args.sabotage;
    if (sabotage !== undefined && !isSabotage(sabotage)) {
      throw new Exit(exits.usage, `--sabotage must be one of ${sabotages.join(", ")}`);
    }
    const odd = args.odd === true;
    const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-demo-"));
    await using opened = new AsyncDisposableStack();
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    const simulators = opened.use(await startSimulators({ people: numberOf("people", args), odd }));
    const loaded = readConfig({
      env: environmentOf(simulators, folder, args.broker),
      defaultFile: "/nonexistent",
      stageNames: builtinNames,
    });
    mask.hide(loaded.secrets);
    const log = createLog({ level: "error", format: "pretty", mask, write: () => true });
    const daemon = await startDaemon({ loaded, log });
    opened.defer(() => daemon.stop());

    say(
      `${simulators.eposh.days.size} induction dates at a simulated Eposh, an empty simulated HikCentral, ${daemon.broker.label} between them`,
    );
    const startedAt = performance.now();
    const view = await induct(daemon, stop.signal);
    if (stop.signal.aborted) return exits.failed;
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
    if (sabotage) say(`Sabotage: ${breakOne(sabotage, simulators.hikcentral)}`);

    const { induction } = loaded.config;
    const dates = datesOf({ ...induction, today: induction.to });
    const comparison = await compare(daemon.clients, loaded.config, { dates, signal: stop.signal });
    const oddities = odd ? oddityReport(comparison, view) : undefined;
    say(tableOf(oddities ? { ...comparison, differences: oddities.unexpected } : comparison));
    for (const { code, count } of view.warnings) say(`warning ${code}: ${count}`);
    for (const { code, count } of view.deadLetters) say(`dead letter ${code}: ${count}`);
    for (const text of oddities?.problems ?? []) say(`not as expected: ${text}`);
    const allAgree = oddities
      ? oddities.unexpected.length + oddities.problems.length === 0
      : comparison.differences.length === 0;
    const allThrough = view.status === "done" && (odd || view.deadLetters.length + view.warnings.length === 0);
    say(
      `${view.employees} employees, ${view.dead} dead letters, ${seconds} s: ${allAgree && allThrough ? "all as expected" : "NOT all as expected"}`,
    );

    if (!args.once && !stop.signal.aborted) {
      say(`\nStill up until Ctrl-C. Try:\n  curl -X POST ${daemon.url}/eposh-induction\n  curl ${daemon.url}/runs`);
      say(`  Eposh       ${simulators.eposh.origin}/_state\n  HikCentral  ${simulators.hikcentral.origin}/_state`);
      await once(stop.signal, "abort");
    }
    return allAgree && allThrough ? exits.ok : exits.failed;
  },
});

const environmentOf = (simulators: Simulators, folder: string, broker: string | undefined) => ({
  ...simulators.env,
  ...(broker && { BROKER_URL: broker }),
  PHOTO_ALLOWED_HOSTS: "127.0.0.1",
  HIKCENTRAL_CONCURRENCY: "8",
  // What is to fail here fails for good: no need to wait for it.
  BROKER_RETRY_DELAYS: "1s,2s,3s",
  HTTP_PORT: "0",
  STATE_FOLDER: folder,
});

/** Triggers a run over the configured dates, as a user would, and shows every stage's progress until it is through. */
async function induct(daemon: Daemon, signal: AbortSignal): Promise<RunView> {
  const client = new DaemonClient(daemon.url);
  let started = await client.call("POST", "/eposh-induction", undefined, { prefer: "respond-async" });
  for (let tries = 0; started.status === 503 && tries < 100 && !signal.aborted; tries++) {
    await Bun.sleep(100);
    started = await client.call("POST", "/eposh-induction", undefined, { prefer: "respond-async" });
  }
  if (started.status !== 202) throw new Exit(exits.failed, String(started.body.error));
  const progress = new Progress();
  const stages = daemon.pipeline.workers.map(({ placed }) => placed.stage.name);
  let view: RunView | undefined;
  for await (view of client.follow(String(started.body.run), { everyMs: 250, signal })) {
    const { employees, stages: counts, status } = view;
    const bars = stages.map((label) => {
      const { done = 0, ended = 0, dead = 0, retry = 0 } = counts[label] ?? {};
      const note = [dead > 0 && `${dead} dead`, retry > 0 && `${retry} waiting`].filter(Boolean).join(", ");
      return { label, done: done + ended, of: employees, ...(note && { note }) };
    });
    progress.show(bars, status === "done");
  }
  if (!view) throw new Exit(exits.failed, "stopped before the run began");
  return view;
}
