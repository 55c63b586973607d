/**
 * The binary against the foreign Eposh and HikCentral, on both transports. Run inside a network namespace by
 * test/binary/foreign.long.test.ts; by itself with `bun test ./test/foreign/chain.ts`.
 */
import { expect, test } from "bun:test";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { startRabbit } from "../support/rabbitmq.ts";
import { startSite } from "../support/site.ts";

const people = 155;

interface Foreign {
  eposh: string;
  hikcentral: string;
  state: string;
  apiKey: string;
  appId: string;
  appKey: string;
  appSecret: string;
}

async function startForeign() {
  const command = [process.execPath, join(import.meta.dir, "hikcentral-and-eposh.ts"), "--people", String(people)];
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit" });
  const { value } = await child.stdout.getReader().read();
  const at = JSON.parse(new TextDecoder().decode(value)) as Foreign;
  return {
    ...at,
    async [Symbol.asyncDispose]() {
      child.kill();
      await child.exited;
    },
  };
}

/** As the documents say it must be, without a line of our code: `orang` n has KIB n and two zones, or one at the end. */
const zones = ["1", "2", "6", "7", "8", "9"];
const expected = Array.from({ length: people }, (_, number) => ({
  personCode: String(3599003101900001 + number),
  name: `Orang Contoh ${String.fromCharCode(65 + (number % 26))}`,
  hasFace: true,
  kib: String(2650001 + number),
  groups: zones.slice(number % 6, (number % 6) + 2),
}));

const timesOf = (calls: Record<string, number>, end: string) =>
  Object.entries(calls).reduce((sum, [call, times]) => sum + (call.endsWith(end) ? times : 0), 0);

async function endOn(broker: string) {
  await using foreign = await startForeign();
  const env = {
    EPOSH_URL: foreign.eposh,
    EPOSH_API_KEY: foreign.apiKey,
    EPOSH_APP_ID: foreign.appId,
    HIKCENTRAL_URL: foreign.hikcentral,
    HIKCENTRAL_APP_KEY: foreign.appKey,
    HIKCENTRAL_APP_SECRET: foreign.appSecret,
    PHOTO_ALLOWED_HOSTS: "127.0.0.1",
  };
  const read = async () =>
    (await (await fetch(foreign.state)).json()) as {
      persons: { personId?: string; personCode: string }[];
      calls: Record<string, number>;
    };
  await using site = await startSite({ as: "binary", defaults: true, broker, env });
  const view = await site.induct();
  expect(view).toMatchObject({ employees: people, through: people, dead: 0, warnings: [], pages: 2 });
  const first = await read();
  await site.induct();
  const { persons, calls } = await read();
  expect(persons).toEqual(first.persons);
  for (const call of ["single/add", "single/update", "face/update", "customFieldsUpdate", "addPersons", "photo"])
    expect({ call, times: timesOf(calls, call) }).toEqual({ call, times: timesOf(first.calls, call) });
  const plain = persons.map(({ personId: _, ...person }) => person);
  return plain.sort((a, b) => a.personCode.localeCompare(b.personCode));
}

test("the network is nothing but loopback", () => {
  if (process.env.IN_NAMESPACE) expect(Object.keys(networkInterfaces())).toEqual(["lo"]);
});

test("on the embedded queue everybody is as Eposh has them, and a second run writes nothing", async () => {
  expect<unknown>(await endOn("embedded")).toEqual(expected);
}, 60_000);

test("on RabbitMQ the same", async () => {
  await using rabbit = await startRabbit();
  expect<unknown>(await endOn(rabbit.url)).toEqual(expected);
}, 90_000);
