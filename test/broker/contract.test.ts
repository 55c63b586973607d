import { testContract } from "./contract.ts";
import { amqpTransport, sqliteTransport } from "./transports.ts";

testContract(sqliteTransport());
testContract(await amqpTransport());
