import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import amqp from "amqplib";
import { type Employee, employee } from "../../src/simulator/people.ts";
import { type Simulators, startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, run, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";

const { url } = await sharedRabbit();
const script = join(import.meta.dir, "../foreign/python_chain.py");
const guide = readFileSync(join(import.meta.dir, "../../docs/moving-from-python.md"), "utf8");
/** The settings that the page gives, in its order. */
const settings = [...guide.matchAll(/```toml\n(.+?)```/gs)].map(([, text = ""]) => text.replace(/^ +/gm, ""));
const queues = ["hikvision_queue", "hikvision_create_person", "hikvision_update_kib", "hikvision_assign_privilege"];

/** Foreign, and declares as the original does: durable, without arguments. */
async function python(words: readonly string[], input: unknown = ""): Promise<void> {
  const command = ["/usr/bin/python3", script, url, ...words];
  const child = Bun.spawn(command, { stdin: Buffer.from(JSON.stringify(input)), stdout: "pipe", stderr: "pipe" });
  const [errors, exit] = await Promise.all([child.stderr.text(), child.exited]);
  if (exit !== 0) throw new Error(`python ended with ${exit}: ${errors}`);
}

/** How many messages each queue holds; throws for one that is not there. */
async function held(names: readonly string[]): Promise<number[]> {
  const connection = await amqp.connect(url);
  try {
    const channel = await connection.createChannel();
    const counts: number[] = [];
    for (const name of names) counts.push((await channel.checkQueue(name)).messageCount);
    return counts;
  } finally {
    await connection.close();
  }
}

/** Without what differs from run to run: HikCentral's numbers and the times in its remarks. */
const endOf = ({ hikcentral }: Simulators) =>
  hikcentral
    .state()
    .persons.map(({ personId: _, remark: __, ...person }) => person)
    .sort((a, b) => a.personCode.localeCompare(b.personCode));

/** The `number`th employee, with the photo of this Eposh. */
const peopleAt = ({ eposh }: Simulators) =>
  [1, 2, 3, 4].map((number) => employee(number, 0, `${eposh.origin}/photos/kib/-${1_767_600_000 + number}.png`));

/** A person as the Python worker leaves one for the next worker: with a face, without KIB and groups. */
function created({ hikcentral }: Simulators, person: ReturnType<typeof endOf>[number] | undefined) {
  const { hasFace: _, kib: __, groups: ___, ...fields } = person ?? {};
  return Object.assign(hikcentral.seed(fields), { picture: Buffer.from("a face") });
}

test("moving-from-python.md: what waits in the four queues comes to the same end as if Python had never been", async () => {
  await using straight = await startSimulators({ people: 0 });
  straight.eposh.days.set("2026-01-03", peopleAt(straight));
  {
    await using daemon = await startDaemon(environmentOf(straight));
    expect(await daemon.induct()).toMatchObject({ employees: 4, through: 4, dead: 0 });
  }

  // Python was stopped with one message waiting before each of its workers.
  await using simulators = await startSimulators({ people: 0 });
  const [first, second, third, fourth] = peopleAt(simulators) as [Employee, Employee, Employee, Employee];
  const pagination = { current_page: 1, last_page: 2, total: 155 };
  const { photo: _, birth_date: __, ...four } = third;
  const ends = endOf(straight);
  const [like, likeFourth] = [third, fourth].map((one) => ends.find((end) => end.personCode === one.identity_number));
  const [withoutKib, withoutAccess] = [created(simulators, like), created(simulators, likeFourth)];
  withoutAccess.customFields["1"] = String(fourth.kib_number);
  const messages = [
    { event: "HIKVISION_SYNC", data: { data: [first], pagination } },
    { employee: second },
    { personId: withoutKib.personId, kib_number: third.kib_number, employee: four },
    { personId: withoutAccess.personId, privilege_groups: likeFourth?.groups },
  ];
  for (const [at, queue] of queues.entries()) await python(["feed", queue], messages[at]);
  expect(await held(queues)).toEqual([1, 1, 1, 1]);

  // As its sections go: the same RabbitMQ and another port, checked, then side by side with one worker of Python's.
  const folder = temporaryFolder();
  const config = join(folder, "config.toml");
  const [broker = "", port = "", sideBySide = ""] = settings;
  const use = (...parts: string[]) =>
    writeFileSync(
      config,
      parts
        .join("\n")
        .replace(/"amqp:.*"/, `"${url}"`)
        .replace("5001", "0"),
    );
  const env = { ...environmentOf(simulators), HTTP_PORT: "" };
  use(broker, port, sideBySide);
  expect(await run(["check", "--config", config], env)).toMatchObject({ exit: 0, err: "" });
  {
    await using daemon = await startDaemon(env, folder, ["--config", config]);
    await until(async () => (await held(queues)).join() === "0,0,3,0", { what: "all but the KIB to be worked off" });
    const { body } = await daemon.get("/readyz");
    expect(body).toMatchObject({ ready: false, unconsumed: [{ queue: "hikvision_update_kib", ready: 3 }] });
    await python(["bounce", "hikvision_update_kib", "3"]);
  }

  // Python is gone.
  use(broker, port);
  {
    await using _daemon = await startDaemon(env, folder, ["--config", config]);
    await until(() => Bun.deepEquals(endOf(simulators), endOf(straight)), { everyMs: 100 }).catch(() => {});
    expect(endOf(simulators)).toEqual(endOf(straight));
  }

  // Going back: nothing waits where Python does not look, and its four queues are still declared as it does.
  const known: string[] = JSON.parse(readFileSync(join(folder, "queues.json"), "utf8"));
  const ours = known.filter((name) => !queues.includes(name));
  expect(ours.filter((name) => /\.retry\.|\.dead$/.test(name)).length).toBeGreaterThan(8);
  expect(await held(ours)).toEqual(ours.map(() => 0));
  for (const queue of queues) await python(["feed", queue], {});
  expect(await held(queues)).toEqual([1, 1, 1, 1]);
}, 60_000);
