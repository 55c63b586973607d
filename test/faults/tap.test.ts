import { expect, test } from "bun:test";
import amqp, { type GetMessage } from "amqplib";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { startTap } from "./tap.ts";

const rabbit = await sharedRabbit();
const [from, to] = ["hikvision_create_person", "hikvision_update_kib"];
const [waiting, dead] = [`${from}.retry.5s`, `${from}.dead`];

test("the tap hears an acknowledgement that comes before the confirm, or after an unroutable publish", async () => {
  await using tap = await startTap(rabbit.url);
  const connection = await amqp.connect(tap.url);
  const channel = await connection.createConfirmChannel();
  for (const queue of [from, to, waiting, dead]) await channel.assertQueue(queue);
  const send = (queue: string, id: string, body = `{"employee":"${id}"}`) => {
    channel.sendToQueue(queue, Buffer.from(body), { headers: { "hs-id": id }, messageId: id, mandatory: true });
    return channel.waitForConfirms();
  };
  /** Takes a message, sends on to these queues, then acknowledges it. */
  const work = async (id: string, ...queues: string[]) => {
    await send(from, id, `{"employee":"${id.replace(" again", "")}"}`);
    const message = (await channel.get(from)) as GetMessage;
    for (const queue of queues) await send(queue, id);
    return message;
  };

  channel.ack(await work("followed", to));
  channel.ack(await work("put to wait", waiting));
  channel.ack(await work("dead", dead));
  channel.ack(await work("dead again"));
  channel.ack(await work("not followed"));
  channel.ack(await work("sent nowhere", "nowhere"));
  const message = await work("before the confirm");
  const confirmed = send(to, "before the confirm");
  channel.ack(message);
  // Of two copies one may go.
  for (const _ of [1, 2]) await send(dead, "twice");
  for (const _ of ["dead", "twice", "twice"]) channel.ack((await channel.get(dead)) as GetMessage);
  const areHeard = () => tap.acknowledged[from] === 7 && tap.acknowledged[dead] === 3;
  await until(areHeard, { what: "all acknowledgements to be heard" });
  const early = ["not followed", "sent nowhere", "before the confirm"].map((id) => `${from}: ${id}`);
  expect(tap.tooEarly).toEqual([...early, `${dead}: dead`, `${dead}: twice`]);
  await confirmed;
  await connection.close();
});
