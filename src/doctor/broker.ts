import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type AmqpBroker, openAmqp } from "../broker/amqp-broker.ts";
import { isMissing } from "../broker/amqp-connection.ts";
import type { Broker } from "../broker/broker.ts";
import { amqpOptionsOf } from "../broker/open.ts";
import { formatDuration } from "../config/dates.ts";
import { brokerOf, type Config } from "../config/load.ts";
import type { Finding } from "../operator/examination.ts";
import { deadQueueOf, retryQueueOf } from "../pipeline/retry/queues.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { checkWritable } from "./machine.ts";
import { addressOf, reach } from "./network.ts";
import { type Examine, Fault, Unchecked } from "./probe.ts";
import { checkQueues } from "./queues.ts";

/** Probes the folder of the embedded queue; or RabbitMQ: address, login, and the existing queues. */
export async function examineBroker(
  examine: Examine,
  config: Config,
  registered: readonly RegisteredStage[],
  isPaused: (queue: string) => boolean = () => false,
): Promise<void> {
  const configured = brokerOf(config);
  if (configured.kind === "sqlite") {
    await examine("embedded queue", async () => checkWritable(dirname(configured.file), "broker.url"));
    return;
  }
  await using opened = new AsyncDisposableStack();
  const { url: urls, ca } = amqpOptionsOf(configured);
  const usable: Usable[] = [];
  const logins = await Promise.all(
    urls.map(async (url) => {
      const { host } = new URL(url);
      const of = (probe: string) => (urls.length === 1 ? probe : `${probe} ${host}`);
      const address = await examine(of("address"), reach(addressOf(new URL(url), "broker.url")));
      const look = async (signal: AbortSignal) => {
        const node = opened.use(await openAmqp({ url, ca }));
        await logIn(node, signal);
        usable.push({ node, url });
        return "login accepted";
      };
      return examine(of("login"), look, [address]);
    }),
  );
  const [first] = usable as [Usable];
  // The daemon works with any node; each one that does not answer is named.
  const login = logins.find(({ state }) => state === "ok") ?? (logins[0] as Finding);
  if (urls.length > 1) await examine("cluster", async () => checkCluster(usable.map(({ node }) => node)), [login]);
  const queues = registered.map(({ stage }) => stage.queue);
  const delays = config.broker.retryDelaysMs.map((ms) => ({ ms, label: formatDuration(ms) }));
  const all = queues.flatMap((queue) => [queue, ...delays.map((one) => retryQueueOf(queue, one)), deadQueueOf(queue)]);
  const reachable = await examine("nodes of queues", async () => checkReach(first.node, all), [login]);
  await examine("queues", async () => checkQueues(first.node, all, { url: first.url, ca }), [reachable]);
  const { concurrency } = config.hikcentral;
  await examine("consumers", async () => checkConsumers(first.node, registered, concurrency, isPaused), [reachable]);
}

/** An address that accepts the login. */
interface Usable {
  node: AmqpBroker;
  url: string;
}

async function logIn(broker: Broker, signal: AbortSignal): Promise<void> {
  while (broker.state === "connecting" && broker.trouble === undefined) await sleep(20, undefined, { signal });
  if (broker.state === "up") return;
  const text = (broker.trouble ?? "no connection").replace(/^RabbitMQ at \S+ /, "");
  if (broker.state === "blocked")
    throw new Fault("broker_blocked", text, "free memory or disk on its machine: rabbitmqctl list_alarms");
  const [, what, fix] = /(.+ (?:publish|trusted)): ((?:grant|set) .+)$/.exec(text) ?? [];
  if (what && fix) throw new Fault(/certificate/.test(what) ? "broker_untrusted" : "broker_refused", what, fix);
  throw new Fault("broker_refused", text, "set broker.url to amqp://USER:PASSWORD@HOST:PORT/VHOST");
}

/**
 * Messages in one of two brokers would wait until the other one fails. n.b. By default each node of a cluster gives another
 * name of the cluster. But a queue for this connection alone is known to every node of it, and to no other.
 */
async function checkCluster([first, ...others]: readonly AmqpBroker[]): Promise<string> {
  if (first === undefined || others.length === 0) throw new Unchecked("only one address can be used");
  const channel = await first.open();
  try {
    const { queue } = await first.withDeadline(channel.assertQueue("", { exclusive: true }));
    for (const other of others) {
      const refusal: unknown = await other.withDeadline((await other.open()).checkQueue(queue)).catch((error) => error);
      if (!isMissing(refusal)) continue;
      const fix = "name only nodes of one cluster in broker.url; see: rabbitmqctl cluster_status";
      throw new Fault("broker_no_cluster", "the addresses do not belong to one cluster", fix);
    }
    return `${others.length + 1} nodes of one cluster`;
  } finally {
    await first.withDeadline(channel.close()).catch(() => {});
  }
}

async function checkReach(broker: AmqpBroker, queues: readonly string[]): Promise<string> {
  const asked = await Promise.allSettled(queues.map((queue) => broker.reach(queue, true)));
  const lost = queues.filter((_, at) => asked[at]?.status === "rejected");
  if (lost.length === 0) return "every queue can be reached";
  const fix = "start the nodes that hold them: rabbitmqctl cluster_status";
  throw new Fault("unreachable_queues", `${lost.join(", ")} cannot be reached`, fix);
}

/** n.b. Every daemon that works at a stage has one consumer there; no other way leads to them. */
async function checkConsumers(
  broker: Broker,
  registered: readonly RegisteredStage[],
  concurrency: number,
  isPaused: (queue: string) => boolean,
): Promise<string> {
  let [withConsumer, waiting, daemons] = [0, 0, 0];
  const localQueues = new Set(registered.flatMap(({ stage }) => (stage.local ? [stage.queue] : [])));
  for (const [queue, { ready, consumers }] of await broker.depths(registered.map(({ stage }) => stage.queue))) {
    withConsumer += Number(consumers > 0);
    waiting += ready;
    if (!localQueues.has(queue)) daemons = Math.max(daemons, consumers);
    if (ready === 0 || consumers > 0 || isPaused(queue)) continue;
    const fix = "systemctl start hikvision-sync; if the daemon runs, see: hikvision-sync status";
    throw new Fault("queue_unconsumed", `${queue} holds ${ready} messages and has no consumer`, fix);
  }
  const text = `${withConsumer} of ${registered.length} queues have a consumer, ${waiting} messages are waiting`;
  if (daemons < 2) return text;
  const calls = `${daemons} × ${concurrency} = ${daemons * concurrency} calls to HikCentral at a time`;
  return `${text}; ${daemons} daemons share them: ${calls}, if hikcentral.concurrency is ${concurrency} in each`;
}
