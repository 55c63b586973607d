import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import amqp from "amqplib";
import { type Employee, employee } from "../../src/simulator/people.ts";
import type { Simulators } from "../../src/simulator/start.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { startSite } from "../support/site.ts";
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
const endOf = ({ hikcentral }: Pick<Simulators, "hikcentral">) =>
  hikcentral
    .state()
    .persons.map(({ personId: _, remark: __, ...person }) => person)
    .sort((a, b) => a.personCode.localeCompare(b.personCode));

/** The `number`th employee, with the photo of this Eposh. */
const peopleAt = ({ eposh }: Pick<Simulators, "eposh">) =>
  [1, 2, 3, 4].map((number) => employee(number, 0, `${eposh.origin}/photos/kib/-${1_767_600_000 + number}.png`));

/** A person as the Python worker leaves one for the next worker: with a face, without KIB and groups. */
function created({ hikcentral }: Pick<Simulators, "hikcentral">, person: ReturnType<typeof endOf>[number] | undefined) {
  const { hasFace: _, kib: __, groups: ___, ...fields } = person ?? {};
  return Object.assign(hikcentral.seed(fields), { picture: Buffer.from("a face") });
}

test("moving-from-python.md: what waits in the four queues comes to the same end as if Python had never been", async () => {
  await using straight = await startSite({ as: "binary" });
  straight.eposh.days.set("2026-01-03", peopleAt(straight));
  expect(await straight.induct()).toMatchObject({ employees: 4, through: 4, dead: 0 });

  // Python was stopped with one message waiting before each of its workers.
  await using site = await startSite({ as: "binary", config: "", env: { HTTP_PORT: "" }, start: false });
  const [first, second, third, fourth] = peopleAt(site) as [Employee, Employee, Employee, Employee];
  const pagination = { current_page: 1, last_page: 2, total: 155 };
  const { photo: _, birth_date: __, ...four } = third;
  const ends = endOf(straight);
  const [like, likeFourth] = [third, fourth].map((one) => ends.find((end) => end.personCode === one.identity_number));
  const [withoutKib, withoutAccess] = [created(site, like), created(site, likeFourth)];
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
  const [broker = "", port = "", sideBySide = ""] = settings;
  const use = (...parts: string[]) =>
    site.configure(
      parts
        .join("\n")
        .replace(/"amqp:.*"/, `"${url}"`)
        .replace("5001", "0"),
    );
  use(broker, port, sideBySide);
  expect(await site.cli(["check", "--config", site.configFile])).toMatchObject({ exit: 0, err: "" });
  await site.start();
  await until(async () => (await held(queues)).join() === "0,0,3,0", { what: "all but the KIB to be worked off" });
  // n.b. The depths that it shows may be half a second old.
  const isNamed = async () => {
    const { ready, unconsumed } = await site.readyz();
    return !ready && Bun.deepEquals(unconsumed, [{ queue: "hikvision_update_kib", ready: 3 }]);
  };
  await until(isNamed, { what: "the queue that Python is to take from to be named" });
  await python(["bounce", "hikvision_update_kib", "3"]);
  await site.stop();

  // Python is gone.
  use(broker, port);
  await site.start();
  await until(() => Bun.deepEquals(endOf(site), endOf(straight)), { everyMs: 100 }).catch(() => {});
  expect(endOf(site)).toEqual(endOf(straight));
  await site.stop();

  // Going back: nothing waits where Python does not look, and its four queues are still declared as it does.
  const known: string[] = JSON.parse(readFileSync(join(site.folder, "queues.json"), "utf8"));
  const ours = known.filter((name) => !queues.includes(name));
  expect(ours.filter((name) => /\.retry\.|\.dead$/.test(name)).length).toBeGreaterThan(8);
  expect(await held(ours)).toEqual(ours.map(() => 0));
  for (const queue of queues) await python(["feed", queue], {});
  expect(await held(queues)).toEqual([1, 1, 1, 1]);
}, 60_000);
