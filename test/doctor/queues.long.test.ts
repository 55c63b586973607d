import { afterAll, expect, test } from "bun:test";
import amqp from "amqplib";
import { placeOnRabbit, startRabbit, binary as text } from "../support/rabbitmq.ts";
import { rabbit4For } from "../support/rabbitmq4.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { doctor } from "./findings.ts";

const installation = await rabbit4For("what doctor says of queues");
const [bare, managed] = await Promise.all(
  installation ? [startRabbit({ installation }), startRabbit({ installation, isManaged: true })] : [],
);
afterAll(async () => {
  await Promise.all([bare?.stop(), managed?.stop()]);
}, 40_000);

const queue = "hikvision_update_kib";
const json = (definition: unknown) => text(JSON.stringify(definition));

/** A virtual host on a node of RabbitMQ 4 with one of our queues in it, and what doctor says of it. */
async function lookedAt(node: typeof bare, args: Record<string, unknown>, defaultType?: string) {
  await using opened = new AsyncDisposableStack();
  const place = opened.use(await placeOnRabbit(node));
  if (defaultType) {
    const metadata = `#{default_queue_type => <<"${defaultType}">>}`;
    await place.evaluate(`ok = rabbit_vhost:update_metadata(${text(place.vhost)}, ${metadata}, <<"test">>)`);
  }
  const connection = await amqp.connect(place.url);
  await (await connection.createChannel()).assertQueue(queue, { durable: true, arguments: args });
  await connection.close();
  const options = { as: "binary", people: 1, broker: place.url, start: false } as const;
  const site = opened.use(await startSite(options));
  const say = async (changes = {}) => (await doctor(site, changes)).findings.find(({ probe }) => probe === "queues");
  const kept = opened.move();
  return {
    say,
    url: place.url,
    /** n.b. What the API shows of policies may be seconds old, or missing; meanwhile the limit is unchecked. */
    saysSoon: (word: string) =>
      until(
        async () => {
          const said = await say();
          return said?.state !== "unchecked" && said?.text.includes(word) && said;
        },
        { timeoutMs: 20_000, everyMs: 500, what: `doctor to say ${word}` },
      ),
    policy: (call: "parse_set" | "parse_set_op", definition: unknown) =>
      place.evaluate(
        `ok = rabbit_policy:${call}(${text(place.vhost)}, <<"theirs">>, <<"^hik">>, ${json(definition)}, <<"0">>, <<"queues">>, <<"test">>)`,
      ),
    clearOperators: () =>
      place.evaluate(`ok = rabbit_policy:delete_op(${text(place.vhost)}, <<"theirs">>, <<"test">>)`),
    [Symbol.asyncDispose]: () => kept.disposeAsync(),
  };
}

const isThere = installation !== undefined;
const unlimited = expect.stringMatching(/^rabbitmqctl set_policy -p test-\S+ --apply-to queues hikvision-sync .*-1/);

test.if(isThere)(
  "RabbitMQ 4: the limit of 20 is named with the policy that lifts it, which then is well",
  async () => {
    await using look = await lookedAt(managed, { "x-queue-type": "quorum" });
    const limited = { state: "failed", code: "queue_arguments", text: expect.stringContaining("after 20 returns") };
    expect(await look.saysSoon("after 20 returns")).toMatchObject({ ...limited, fix: unlimited });
    // The API of any node of a cluster tells.
    const withDeadNode = { BROKER_URL: `${look.url.replace(/:\d+\//, ":1/")},${look.url}` };
    expect(await look.say(withDeadNode)).toMatchObject({ ...limited, fix: unlimited });
    await look.policy("parse_set", { "delivery-limit": -1 });
    expect(await look.saysSoon("1 quorum; no policy")).toMatchObject({ state: "ok" });
  },
  60_000,
);

test.if(isThere)(
  "RabbitMQ 4: a queue that is quorum by the default type alone is found, also without the API",
  async () => {
    await using look = await lookedAt(bare, {}, "quorum");
    expect(await look.say()).toMatchObject({
      state: "unchecked",
      text: expect.stringContaining(
        `${queue} is a quorum queue, which drops a message after 20 returns unless a policy`,
      ),
    });
    await using api = await lookedAt(managed, {}, "quorum");
    expect(await api.saysSoon("20 returns")).toMatchObject({
      state: "failed",
      fix: unlimited,
    });
  },
  60_000,
);

test.if(isThere)(
  "RabbitMQ 4: a classic queue under a default type of quorum is classic",
  async () => {
    await using look = await lookedAt(bare, { "x-queue-type": "classic" }, "quorum");
    expect(await look.say()).toMatchObject({
      state: "ok",
      text: expect.stringContaining("1 classic; policies are not seen"),
    });
  },
  60_000,
);

test.if(isThere)(
  "RabbitMQ 4: an own limit is named with its cure, and one of -1 is well",
  async () => {
    for (const node of [bare, managed]) {
      await using few = await lookedAt(node, { "x-queue-type": "quorum", "x-delivery-limit": 5 });
      expect(await few.say()).toMatchObject({
        state: "failed",
        text: expect.stringContaining("x-delivery-limit 5"),
        fix: expect.stringContaining("rabbitmqctl delete_queue"),
      });
      await using none = await lookedAt(node, { "x-queue-type": "quorum", "x-delivery-limit": -1 });
      expect(await none.say()).toMatchObject({ state: "ok" });
    }
  },
  60_000,
);

test.if(isThere)(
  "RabbitMQ 4: what a policy of a user or an operator limits is named, with the policy's name",
  async () => {
    await using users = await lookedAt(managed, {});
    await users.policy("parse_set", { "max-length": 3 });
    expect(await users.saysSoon("max-length")).toMatchObject({
      state: "failed",
      text: `a policy gives ${queue} max-length 3, which may lose messages`,
      fix: expect.stringContaining("take max-length out of the policy theirs"),
    });
    await using operators = await lookedAt(managed, {});
    await operators.policy("parse_set_op", { "message-ttl": 60_000 });
    expect(await operators.saysSoon("message-ttl")).toMatchObject({
      state: "failed",
      text: `a policy gives ${queue} message-ttl 60000, which may lose messages`,
      fix: expect.stringMatching(/^take message-ttl out of .*rabbitmqctl clear_operator_policy -p test-\S+ theirs$/),
    });
  },
  60_000,
);

test.if(isThere)(
  "RabbitMQ 4: what an operator's policy limits is lifted by what doctor says, with and without a limit of the queue's own",
  async () => {
    const clear = "clear_operator_policy -p test-\\S+ theirs";
    for (const [args, more] of [
      [{}, "; then rabbitmqctl set_policy -p test-\\S+ .*-1}'"],
      [{ "x-delivery-limit": -1 }, ""],
    ] as const) {
      await using look = await lookedAt(managed, { "x-queue-type": "quorum", ...args });
      await look.policy("parse_set_op", { "delivery-limit": 5 });
      expect(await look.saysSoon("after 5 returns")).toMatchObject({
        state: "failed",
        fix: expect.stringMatching(new RegExp(`${clear}${more}$`)),
      });
      await look.clearOperators();
      if (more !== "") {
        expect(await look.saysSoon("after 20 returns")).toMatchObject({ state: "failed", fix: unlimited });
        await look.policy("parse_set", { "delivery-limit": -1 });
      }
      expect(await look.saysSoon("1 quorum; no policy")).toMatchObject({ state: "ok" });
    }
  },
  60_000,
);
