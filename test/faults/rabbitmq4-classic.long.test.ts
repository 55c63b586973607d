import { rabbit4For } from "../support/rabbitmq4.ts";
import { testStorms } from "./storms.ts";

const name = "RabbitMQ 4, classic queues";
const installation = await rabbit4For("the storms");
if (installation) testStorms(2, { on: { name, installation, queueType: "classic" } });
