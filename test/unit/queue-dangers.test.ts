import { expect, test } from "bun:test";
import { dangerOf, factsOf, type Policy, type QueueFacts } from "../../src/doctor/queues.ts";

const policy = (definition: Policy["definition"]): Policy => ({
  name: "theirs",
  operatorPolicy: undefined,
  definition,
});
const operators = (definition: Policy["definition"]): Policy => ({
  name: undefined,
  operatorPolicy: "operators",
  definition,
});
const none: Policy = { name: undefined, operatorPolicy: undefined, definition: {} };
const say = (version: string, facts: Partial<QueueFacts>) => {
  const whole = { queue: "q", type: "classic", arguments: {}, policy: none, ...facts };
  const danger = dangerOf(whole, version, "/");
  return danger && `${danger.text} → ${danger.fix}`;
};
const limit = (value: number) => ({ type: "quorum", arguments: { "x-delivery-limit": value } });
const anew = "once it is empty: rabbitmqctl delete_queue -p / q; the daemon declares it again";
const clearOperators =
  "take delivery-limit out of the operator policy operators, or: rabbitmqctl clear_operator_policy -p / operators";
const setPolicy = `rabbitmqctl set_policy -p / --apply-to queues hikvision-sync '^hikvision_' '{"delivery-limit":-1}'`;

test.each<[string, Partial<QueueFacts>, string | undefined]>([
  ["3.10.8", {}, undefined],
  ["4.0.5", {}, undefined],
  ["3.10.8", { type: "quorum" }, undefined],
  [
    "3.10.8",
    limit(-1),
    `q has x-delivery-limit -1: it drops a message at its first return, because RabbitMQ 3 knows no -1 → ${anew}, as a classic queue unless broker.queue_type is quorum`,
  ],
  [
    "3.13.7",
    limit(7),
    `q has x-delivery-limit 7: it drops a message after 7 returns → ${anew}, as a classic queue unless broker.queue_type is quorum`,
  ],
  [
    "3.10.8",
    { type: "quorum", policy: policy({ "delivery-limit": 9 }) },
    "q is a quorum queue, which drops a message after 9 returns → take delivery-limit out of the policy theirs, or: rabbitmqctl clear_policy -p / theirs",
  ],
  ["4.0.5", limit(-1), undefined],
  ["4.0.5", limit(20), `q has x-delivery-limit 20: it drops a message after 20 returns → ${anew}`],
  ["4.0.5", { type: "quorum" }, `q is a quorum queue, which drops a message after 20 returns → ${setPolicy}`],
  ["4.0.5", { type: "quorum", policy: policy({ "delivery-limit": -1 }) }, undefined],
  [
    "4.2.0",
    { type: "quorum", policy: policy({ "queue-leader-locator": "balanced" }) },
    'q is a quorum queue, which drops a message after 20 returns → set "delivery-limit": -1 in the policy theirs',
  ],
  // No policy of a user may lift what an operator's limits, nor does the argument of the queue.
  [
    "4.0.5",
    { type: "quorum", policy: operators({ "delivery-limit": 5 }) },
    `q is a quorum queue, which drops a message after 5 returns → ${clearOperators}; then ${setPolicy}`,
  ],
  [
    "4.0.5",
    { ...limit(-1), policy: operators({ "delivery-limit": 5 }) },
    `q is a quorum queue, which drops a message after 5 returns → ${clearOperators}`,
  ],
  [
    "4.0.5",
    { type: "quorum", policy: { ...operators({ "delivery-limit": 5 }), name: "theirs" } },
    `q is a quorum queue, which drops a message after 5 returns → ${clearOperators}; then set "delivery-limit": -1 in the policy theirs`,
  ],
  [
    "4.0.5",
    { type: "quorum", policy: operators({ "max-in-memory-length": 5 }) },
    `q is a quorum queue, which drops a message after 20 returns → ${setPolicy}`,
  ],
  [
    "3.10.8",
    { type: "quorum", policy: operators({ "delivery-limit": 5 }) },
    `q is a quorum queue, which drops a message after 5 returns → ${clearOperators}`,
  ],
  [
    "4.0.5",
    { ...limit(-1), policy: policy({ "delivery-limit": 5 }) },
    "q is a quorum queue, which drops a message after 5 returns → take delivery-limit out of the policy theirs, or: rabbitmqctl clear_policy -p / theirs",
  ],
  // Nobody can tell: whether a policy lifts the limit.
  ["4.0.5", { type: "quorum", policy: undefined }, undefined],
  [
    "3.10.8",
    { arguments: { "x-message-ttl": 60_000 } },
    `q has x-message-ttl 60000, which may lose messages → ${anew}`,
  ],
  ["4.0.5", { arguments: { durable: false } }, `q has durable false, which may lose messages → ${anew}`],
  ["4.0.5", { type: "stream" }, `q is a stream, and messages do not leave it → ${anew}`],
  ["4.0.5", { arguments: { "x-queue-leader-locator": "balanced" } }, undefined],
  [
    "4.0.5",
    { policy: policy({ "max-length": 3 }) },
    "a policy gives q max-length 3, which may lose messages → take max-length out of the policy theirs, or: rabbitmqctl clear_policy -p / theirs",
  ],
  [
    "3.10.8",
    { policy: operators({ "message-ttl": 5 }) },
    "a policy gives q message-ttl 5, which may lose messages → take message-ttl out of the operator policy operators, or: rabbitmqctl clear_operator_policy -p / operators",
  ],
  [
    "4.0.5",
    { policy: policy({ "dead-letter-exchange": "x" }) },
    "a policy gives q dead-letter-exchange x, which may lose messages → take dead-letter-exchange out of the policy theirs, or: rabbitmqctl clear_policy -p / theirs",
  ],
])("on %s the doctor's word on %j", (version, facts, expected) => {
  expect(say(version, facts)).toBe(expected as string);
});

test("a queue of which the management API shows no policies yet is not said to have none", () => {
  const shown = { name: "q", type: "quorum", durable: true, auto_delete: false, arguments: {} };
  expect(factsOf(shown).policy).toBeUndefined();
  expect(say("4.0.5", factsOf(shown))).toBeUndefined();
  expect(say("4.0.5", factsOf({ ...shown, effective_policy_definition: {} }))).toContain("after 20 returns");
});
