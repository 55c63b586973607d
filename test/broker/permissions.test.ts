import { expect, test } from "bun:test";
import { openAmqp } from "../../src/broker/amqp-broker.ts";
import { doctor } from "../doctor/findings.ts";
import { binary, sharedRabbit } from "../support/rabbitmq.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { isUp, queueOf, textOf } from "./transports.ts";

const { url, evaluate } = await sharedRabbit();
const vhost = decodeURIComponent(new URL(url).pathname.slice(1)) || "/";

/** A user who may do what these patterns name, and how to change that. */
async function userWith(rights: { write?: string; read?: string }) {
  const user = `test-${crypto.randomUUID()}`;
  const by = binary("test");
  const grant = ({ write = ".*", read = ".*" }) =>
    evaluate(
      `rabbit_auth_backend_internal:set_permissions(${[user, vhost, ".*", write, read, "test"].map(binary).join(", ")})`,
    );
  await evaluate(`ok = rabbit_auth_backend_internal:add_user(${binary(user)}, ${binary("rahasia-1")}, ${by})`);
  await grant(rights);
  const own = new URL(url);
  [own.username, own.password] = [user, "rahasia-1"];
  return {
    url: own.href,
    grant,
    /** RabbitMQ looks at the rights of a channel when it is opened. */
    cut: () =>
      evaluate(
        `[rabbit_networking:close_connection(Pid, "cut by a test") || ` +
          `[{pid, Pid}, {user, ${binary(user)}}] <- rabbit_networking:connection_info_all([pid, user])]`,
      ),
    [Symbol.asyncDispose]: async () =>
      void (await evaluate(`rabbit_auth_backend_internal:delete_user(${binary(user)}, ${by})`)),
  };
}

test("a user who may not write to the default exchange is never up: what is missing is said, and granted it works", async () => {
  await using user = await userWith({ write: "^hikvision_" });
  await using broker = await openAmqp({ url: user.url, newQueueMs: 0 });
  const states: string[] = [];
  broker.onState((state) => states.push(state));
  await until(() => broker.trouble?.includes('write permission on "amq.default"'), { what: "the right to be named" });
  await expect(broker.publish("test-any", [{ body: "x" }])).rejects.toThrow('write permission on "amq.default"');
  expect(states).not.toContain("up");
  await user.grant({});
  await isUp(broker);
  await broker.publish(await queueOf(broker), [{ body: "x" }]);
});

test("a consumer that is refused while it comes back says so until it is let in again", async () => {
  await using user = await userWith({});
  await using broker = await openAmqp({ url: user.url, newQueueMs: 0 });
  await isUp(broker);
  const queue = await queueOf(broker);
  const heard: (string | undefined)[] = [];
  const taken: string[] = [];
  await using _consumer = await broker.consume(queue, {
    prefetch: 1,
    take: (delivery) => taken.push(textOf(delivery)),
    onTrouble: (text) => heard.push(text),
  });
  await user.grant({ read: "^$" });
  await user.cut();
  await until(() => heard.length > 0, { what: "the refusal to be said" });
  expect(heard[0]).toMatch(new RegExp(`^${queue} cannot be consumed: .*ACCESS_REFUSED`));
  await user.grant({});
  await until(() => heard.at(-1) === undefined, { what: "the consumer to be back" });
  await broker.publish(queue, [{ body: "after" }]);
  await until(() => taken.includes("after"), { what: "a message" });
});

test("a daemon that may not write or not consume is red and says which right is missing, and so does doctor", async () => {
  await using user = await userWith({ write: "^hikvision_" });
  await using site = await startSite({ as: "binary", broker: user.url, mayWait: true });
  await until(async () => (await site.readyz()).trouble?.includes('write permission on "amq.default"'), {
    what: "the right to be named",
  });
  expect((await site.readyz()).ready).toBe(false);
  const { named, faults } = await doctor(site);
  expect(named).toEqual(["the broker: broker_refused"]);
  expect(faults[0]?.fix).toStartWith('grant write permission on "amq.default"');
  await user.grant({});
  const isReady = async () => (await site.readyz()).ready;
  await until(isReady, { what: "the daemon to be ready" });

  await user.grant({ read: "^$" });
  await user.cut();
  const refused = "hikvision_update_kib cannot be consumed: ";
  await until(() => site.output().includes(refused), { what: "the refusal to be said" });
  expect(site.output()).toMatch(/hikvision_update_kib cannot be consumed: .*ACCESS_REFUSED/);
  const isUpAndRed = async () => {
    const { ready, broker } = await site.readyz();
    return broker === "up" && !ready;
  };
  await until(isUpAndRed, { what: "a connected daemon that is not ready" });
  await user.grant({});
  await until(isReady, { what: "the daemon to be ready again" });
});
