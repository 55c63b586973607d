import { defineCommand } from "citty";
import { exits } from "../../errors.ts";
import type { StatusView } from "../../operator/operator.ts";
import { configArgument, jsonArgument } from "../args.ts";
import { type OperatorClient, openOperatorClient } from "../operator-client.ts";
import { print, printJson, table } from "../output.ts";
import { textOfList } from "../trouble/dead.ts";
import { textOfRun } from "./runs.ts";

export default defineCommand({
  meta: {
    name: "status",
    description: "Show stages, queues, dead letters (exit 69: not ready)",
  },
  args: { ...configArgument, ...jsonArgument },
  async run({ args }) {
    await using client = await openOperatorClient(args);
    const status = await client.ask<Answered>("GET", "/status");
    if (args.json) printJson(status);
    else print(statusText(status, client));
    return status.ready ? exits.ok : exits.unavailable;
  },
});

/** With the first sentence of the page; null without a daemon. */
type Answered = StatusView & { sentence: string | null };

function statusText(
  {
    sentence,
    ready,
    broker,
    upstreams,
    stages,
    unreachable,
    unconsumed,
    removed,
    queues,
    deadLetters,
    lastRun,
  }: Answered,
  client: OperatorClient,
): string {
  const not = client.isDaemon ? "not ready" : "no daemon runs";
  const rows = (queues ?? [])
    .filter(({ queue, ready, consumers }) => ready > 0 || consumers > 0 || !/\.(retry\.\w+|dead)$/.test(queue))
    .map(({ queue, ready, consumers }) => [queue, String(ready), String(consumers)]);
  return [
    ready ? "ready" : not,
    ...(sentence === null ? [] : [sentence]),
    `${broker.label}: ${broker.state}${broker.trouble ? ` (${broker.trouble})` : ""}`,
    ...upstreams.map(({ name, state, since }) => {
      const from = since ? ` since ${client.time(since)}` : state === "not asked" ? " yet" : "";
      return `${name}: ${state}${from}`;
    }),
    ...stages.map(({ name, state, paused, since }) =>
      paused && since ? `${name}: ${state} since ${client.time(since)}: ${paused}` : `${name}: ${state}`,
    ),
    ...unreachable.map(({ queue, why }) => `${queue} cannot be reached: ${why}`),
    ...unconsumed.map(({ queue, ready }) => `${queue} holds ${ready} messages and has no consumer`),
    ...removed.map((path) => `${path} was removed or replaced while the daemon runs`),
    "",
    queues === null ? "queues: unknown for now" : table([["QUEUE", "WAITING", "CONSUMERS"], ...rows]),
    "",
    textOfList(deadLetters, client, 3),
    "",
    lastRun
      ? textOfRun(lastRun, client.time(lastRun.at))
          .split("\n")
          .slice(0, lastRun.part ? 3 : 2)
          .join("\n")
      : "no run yet",
  ].join("\n");
}
