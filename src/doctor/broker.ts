import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { type AmqpBroker, openAmqp } from "../broker/amqp-broker.ts";
import { isMissing } from "../broker/amqp-connection.ts";
import type { Broker } from "../broker/broker.ts";
import { amqpOptionsOf } from "../broker/open.ts";
import { formatDuration } from "../config/dates.ts";
import { brokerOf, type Config } from "../config/load.ts";
import { textOf } from "../errors.ts";
import { deadQueueOf, retryQueueOf } from "../pipeline/retry/queues.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { checkWritable } from "./machine.ts";
import { addressOf, reach } from "./network.ts";
import { type Examine, Fault, type Finding, Unchecked } from "./probe.ts";

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
  const nodes: AmqpBroker[] = [];
  const logins = await Promise.all(
    urls.map(async (url) => {
      const address = await examine("address", reach(addressOf(new URL(url), "broker.url")));
      const look = async (signal: AbortSignal) => {
        const node = opened.use(await openAmqp({ url, ca }));
        const text = await logIn(node, signal, urls.length === 1 ? undefined : new URL(url).host);
        nodes.push(node);
        return text;
      };
      return examine("login", look, [address]);
    }),
  );
  const [broker] = nodes as [AmqpBroker];
  // The daemon works with any node; each one that does not answer is named.
  const login = logins.find(({ state }) => state === "ok") ?? (logins[0] as Finding);
  if (urls.length > 1) await examine("cluster", async () => checkCluster(nodes), [login]);
  const queues = registered.map(({ stage }) => stage.queue);
  const delays = config.broker.retryDelaysMs.map((ms) => ({ ms, label: formatDuration(ms) }));
  const all = queues.flatMap((queue) => [queue, ...delays.map((one) => retryQueueOf(queue, one)), deadQueueOf(queue)]);
  await examine("queues", async () => checkArguments(broker, all), [login]);
  await examine("consumers", async () => checkConsumers(broker, registered, config.hikcentral.concurrency, isPaused), [
    login,
  ]);
}

/** `host` is given where there are several. */
async function logIn(broker: Broker, signal: AbortSignal, host?: string): Promise<string> {
  while (broker.state === "connecting" && broker.trouble === undefined) await sleep(20, undefined, { signal });
  const at = host === undefined ? "" : `${host} `;
  if (broker.state === "up") return host === undefined ? "login accepted" : `${host} accepts the login`;
  const text = (broker.trouble ?? "no connection").replace(/^RabbitMQ at \S+ /, at);
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

/** The daemon, like the original, declares plain durable queues. */
async function checkArguments(broker: AmqpBroker, queues: readonly string[]): Promise<string> {
  let there = 0;
  const unlimited: string[] = [];
  for (const queue of (await broker.depths(queues)).keys()) {
    there++;
    const { "x-queue-type": type, "x-delivery-limit": limit, ...foreign } = await argumentsOf(broker, queue);
    if (limit !== undefined && limit !== -1) foreign["x-delivery-limit"] = limit;
    const [first] = Object.entries(foreign);
    if (first) {
      const fix = "delete it once it is empty; the daemon declares it again. A quorum queue needs x-delivery-limit -1";
      throw new Fault("queue_arguments", `${queue} has ${first.join(" ")}, which may lose messages`, fix);
    }
    if (type === "quorum" && limit === undefined) unlimited.push(queue);
  }
  if (unlimited.length === 0) return `${there} of ${queues.length} exist, plain and durable`;
  // n.b. AMQP does not show policies, and from RabbitMQ 4 on the default limit is 20.
  throw new Unchecked(
    `${unlimited.join(", ")}: a quorum queue; set its delivery limit to -1, by argument or by policy`,
  );
}

type Arguments = Record<string, unknown>;

/**
 * The arguments of an existing queue. AMQP cannot read them. But RabbitMQ refuses a declaration with other arguments,
 * names the first one that differs, and changes nothing.
 */
async function argumentsOf(broker: AmqpBroker, queue: string): Promise<Arguments> {
  const found: Arguments = {};
  for (;;) {
    const refusal = await refusalOf(broker, queue, found);
    if (refusal === undefined) return found;
    if (/ACCESS_REFUSED/.test(refusal))
      throw new Unchecked(`this user may not declare ${queue}: its arguments are not checked`);
    const [, name = "", text, kind] =
      /inequivalent arg '([^']+)'.* current is (?:the value )?'([^']*)'(?: of type '(\w+)')?/.exec(refusal) ?? [];
    if (name === "" || name in found) throw new Error(`${queue}: ${refusal}`);
    found[name] = kind === undefined || kind === "longstr" ? text : Number(text);
    if (!name.startsWith("x-")) return found;
  }
}

async function refusalOf(broker: AmqpBroker, queue: string, args: Arguments): Promise<string | undefined> {
  const channel = await broker.open();
  try {
    await broker.withDeadline(channel.assertQueue(queue, { durable: true, arguments: args }));
    return undefined;
  } catch (error) {
    return textOf(error);
  } finally {
    await broker.withDeadline(channel.close()).catch(() => {});
  }
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
