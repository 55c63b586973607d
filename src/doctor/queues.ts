import type { AmqpBroker } from "../broker/amqp-broker.ts";
import { textOf } from "../errors.ts";
import { shellWord } from "../util/text/shell-word.ts";
import { Fault, Unchecked } from "./probe.ts";

/** What RabbitMQ says of one of our queues. */
export interface QueueFacts {
  queue: string;
  /** classic, quorum or stream. */
  type: string;
  /** Without its type; whether it is durable only where it is not. */
  arguments: Readonly<Record<string, unknown>>;
  /** What policies add; undefined where the management API does not say, because AMQP does not show them. */
  policy: Policy | undefined;
}

export interface Policy {
  name: string | undefined;
  operatorPolicy: string | undefined;
  definition: Readonly<Record<string, unknown>>;
}

/** `undefined` as a fix: nothing is known to be wrong. */
export interface Danger {
  text: string;
  fix: string;
}

const harmful = /^(x-)?(message-ttl|expires|max-length|max-length-bytes|dead-letter-exchange)$/;
/** From RabbitMQ 4 on; before that a quorum queue has no limit. */
const defaultLimit = 20;

/** What may lose messages in a queue, and how to end that on this version of RabbitMQ. Undefined where nothing does. */
export function dangerOf(facts: QueueFacts, version: string, vhost: string): Danger | undefined {
  const { queue, type, policy } = facts;
  const at = `-p ${shellWord(vhost)}`;
  const anew = `once it is empty: rabbitmqctl delete_queue ${at} ${shellWord(queue)}; the daemon declares it again`;
  if (type === "stream") return { text: `${queue} is a stream, and messages do not leave it`, fix: anew };
  const isOld = Number.parseInt(version, 10) < 4;
  for (const [name, value] of Object.entries(facts.arguments))
    if (harmful.test(name) || !name.startsWith("x-"))
      return { text: `${queue} has ${name} ${value}, which may lose messages`, fix: anew };
  for (const [name, value] of Object.entries(policy?.definition ?? {}))
    if (harmful.test(name)) {
      const text = `a policy gives ${queue} ${name} ${value}, which may lose messages`;
      return { text, fix: withoutPolicy(policy, name, at) };
    }
  if (type !== "quorum") return undefined;
  const own = facts.arguments["x-delivery-limit"];
  const byPolicy = policy?.definition["delivery-limit"];
  if (own !== undefined && (isOld || own !== -1)) {
    const returns = own === -1 ? "at its first return, because RabbitMQ 3 knows no -1" : `after ${own} returns`;
    const next = isOld ? `${anew}, as a classic queue unless broker.queue_type is quorum` : anew;
    return { text: `${queue} has x-delivery-limit ${own}: it drops a message ${returns}`, fix: next };
  }
  // n.b. A limit of a policy counts also where the queue itself has none.
  if (byPolicy === -1 || (byPolicy === undefined && (own === -1 || isOld || policy === undefined))) return undefined;
  const text = `${queue} is a quorum queue, which drops a message after ${byPolicy ?? defaultLimit} returns`;
  const without = byPolicy === undefined ? undefined : withoutPolicy(policy, "delivery-limit", at);
  if (without !== undefined && (isOld || own === -1)) return { text, fix: without };
  // What an operator's policy limits, no other policy may lift.
  const first = byPolicy === undefined ? undefined : withoutOperatorPolicy(policy, "delivery-limit", at);
  return { text, fix: [first, unlimited(policy, at)].filter(Boolean).join("; then ") };
}

/** n.b. What applies to a queue is shown without the policy that it is of. */
function withoutPolicy(policy: Policy | undefined, name: string, at: string): string {
  const own =
    policy?.name &&
    `take ${name} out of the policy ${policy.name}, or: rabbitmqctl clear_policy ${at} ${shellWord(policy.name)}`;
  return [withoutOperatorPolicy(policy, name, at), own].filter(Boolean).join("; then ");
}

const withoutOperatorPolicy = (policy: Policy | undefined, name: string, at: string) =>
  policy?.operatorPolicy &&
  `take ${name} out of the operator policy ${policy.operatorPolicy}, or: rabbitmqctl clear_operator_policy ${at} ${shellWord(policy.operatorPolicy)}`;

/** n.b. Of several policies only one applies to a queue. */
const unlimited = (policy: Policy | undefined, at: string) =>
  policy?.name === undefined
    ? `rabbitmqctl set_policy ${at} --apply-to queues hikvision-sync '^hikvision_' '{"delivery-limit":-1}'`
    : `set "delivery-limit": -1 in the policy ${policy.name}`;

/** So many dangers fit into a finding. */
const maxNamed = 3;

/** How the queues are declared that exist; throws what may lose messages, or what cannot be seen of it. */
export async function checkQueues(
  broker: AmqpBroker,
  queues: readonly string[],
  { url, ca }: { url: string; ca: string | undefined },
): Promise<string> {
  const existing = [...(await broker.depths(queues)).keys()];
  const vhost = vhostOf(new URL(url));
  const shown = await askManagement(new URL(url), ca);
  const unlimitedUnknown: string[] = [];
  /** One fix may be that of many queues. */
  const dangers = new Map<string, Danger>();
  const types = new Map<string, number>();
  let unseen = 0;
  for (const queue of existing) {
    const facts = shown?.get(queue) ?? { queue, ...(await askByRefusal(broker, queue)), policy: undefined };
    const danger = dangerOf(facts, broker.version, vhost);
    if (danger && !dangers.has(danger.fix)) dangers.set(danger.fix, danger);
    if (facts.policy === undefined) unseen++;
    types.set(facts.type, (types.get(facts.type) ?? 0) + 1);
    const mayHaveLimit =
      facts.type === "quorum" && facts.policy === undefined && Number.parseInt(broker.version, 10) >= 4;
    if (mayHaveLimit && facts.arguments["x-delivery-limit"] === undefined) unlimitedUnknown.push(queue);
  }
  if (dangers.size > 0) {
    const named = [...dangers.values()].slice(0, maxNamed);
    const more = dangers.size > maxNamed ? `; ${dangers.size - maxNamed} more will be named when these are fixed` : "";
    const text = named.map((danger) => danger.text).join("; ") + more;
    throw new Fault("queue_arguments", text, named.map(({ fix }) => fix).join("; then "));
  }
  const [first] = unlimitedUnknown;
  if (first !== undefined) {
    const text = `${first} is a quorum queue, which drops a message after ${defaultLimit} returns unless a policy says otherwise`;
    throw new Unchecked(`${text}: ${unlimited(undefined, `-p ${shellWord(vhost)}`)}`);
  }
  const kinds = [...types].map(([type, count]) => `${count} ${type}`).join(", ");
  const notYet = `the management API does not show the policies of ${unseen} yet`;
  const missing = shown ? notYet : "policies are not seen: the management API does not answer";
  const policies = unseen === 0 ? "no policy endangers them" : missing;
  return `${existing.length} of ${queues.length} exist${kinds && `, durable: ${kinds}`}; ${policies}`;
}

const vhostOf = ({ pathname }: URL) => decodeURIComponent(pathname.slice(1)) || "/";

const managementMs = 2_000;
/** RabbitMQ's own distance: 5672 and 15672, 5671 and 15671. */
const managementPortDistance = 10_000;

/** Undefined where the management API does not answer, or not to this user. */
async function askManagement(url: URL, ca: string | undefined): Promise<Map<string, QueueFacts> | undefined> {
  const isSecure = url.protocol === "amqps:";
  const port = Number(url.port || (isSecure ? 5671 : 5672)) + managementPortDistance;
  const address = `${isSecure ? "https" : "http"}://${url.hostname}:${port}/api/queues/${encodeURIComponent(vhostOf(url))}`;
  const [user, password] = [url.username || "guest", url.password || "guest"].map(decodeURIComponent);
  try {
    const answer = await fetch(address, {
      headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}` },
      signal: AbortSignal.timeout(managementMs),
      ...(ca && { tls: { ca } }),
    });
    if (!answer.ok) return undefined;
    const queues = (await answer.json()) as Shown[];
    return new Map(queues.map((queue) => [queue.name, factsOf(queue)]));
  } catch {
    return undefined;
  }
}

interface Shown {
  name: string;
  type: string;
  durable: boolean;
  auto_delete: boolean;
  arguments: Record<string, unknown>;
  policy?: string | null;
  operator_policy?: string | null;
  /** Missing until the node that leads the queue has told, e.g. for some seconds after another one's death. */
  effective_policy_definition?: Record<string, unknown> | null;
}

export function factsOf(shown: Shown): QueueFacts {
  const { name, type, durable, auto_delete, policy, operator_policy, effective_policy_definition } = shown;
  const { "x-queue-type": _, ...rest } = shown.arguments;
  return {
    queue: name,
    type,
    arguments: { ...rest, ...(!durable && { durable }), ...(auto_delete && { auto_delete }) },
    policy:
      effective_policy_definition === undefined
        ? undefined
        : {
            name: policy || undefined,
            operatorPolicy: operator_policy || undefined,
            definition: effective_policy_definition ?? {},
          },
  };
}

/**
 * The type and arguments of an existing queue. AMQP cannot read them. But RabbitMQ refuses a declaration with other
 * arguments, names the first one that differs, and changes nothing. n.b. Without a type the default one is equivalent: so it
 * is asked as a classic queue first.
 */
async function askByRefusal(broker: AmqpBroker, queue: string): Promise<Pick<QueueFacts, "type" | "arguments">> {
  const found: Record<string, unknown> = {};
  for (let type = "classic"; ; ) {
    const refusal = await refusalOf(broker, queue, { "x-queue-type": type, ...found });
    if (refusal === undefined) return { type, arguments: found };
    if (/ACCESS_REFUSED/.test(refusal))
      throw new Unchecked(`this user may not declare ${queue}: its arguments are not checked`);
    const [, name = "", text = "", kind] =
      /inequivalent arg '([^']+)'.* current is (?:the value )?'([^']*)'(?: of type '(\w+)')?/.exec(refusal) ?? [];
    const isType = name === "x-queue-type" && type === "classic";
    if (name === "" || name in found || (name === "x-queue-type" && !isType)) throw new Error(`${queue}: ${refusal}`);
    if (isType) type = text;
    else found[name] = kind === undefined || kind === "longstr" ? text : Number(text);
    if (!name.startsWith("x-")) return { type, arguments: found };
  }
}

async function refusalOf(broker: AmqpBroker, queue: string, args: Readonly<Record<string, unknown>>) {
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
