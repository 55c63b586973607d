import { afterAll } from "bun:test";
import { placeOnRabbit, startRabbit } from "../support/rabbitmq.ts";
import { rabbit4For } from "../support/rabbitmq4.ts";
import { testContract } from "./contract.ts";
import { openUp } from "./transports.ts";

const installation = await rabbit4For("the contract of the broker");
const node = installation && (await startRabbit({ installation }));
afterAll(() => node?.stop(), 40_000);

for (const queueType of node ? (["classic", "quorum"] as const) : []) {
  const { url } = await placeOnRabbit(node);
  testContract({
    name: `RabbitMQ 4, ${queueType} queues`,
    open: () => openUp(url, { queueType, newQueueMs: 0 }),
    close: () => {},
  });
}
