import { expect, test } from "bun:test";
import { join } from "node:path";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const { url } = await sharedRabbit();
const script = join(import.meta.dir, "../foreign/python_chain.py");
const stages = ["publisher", "create-person", "update-kib", "assign-privilege"];
const queues = ["hikvision_queue", "hikvision_create_person", "hikvision_update_kib", "hikvision_assign_privilege"];

async function python(words: readonly string[], input = ""): Promise<void> {
  const command = ["/usr/bin/python3", script, url, ...words];
  const child = Bun.spawn(command, { stdin: Buffer.from(input), stdout: "pipe", stderr: "pipe" });
  const [errors, exit] = await Promise.all([child.stderr.text(), child.exited]);
  if (exit !== 0) throw new Error(`python ended with ${exit}: ${errors}`);
}

/** Without what differs from run to run: HikCentral's numbers and the times in its remarks. */
const endOf = ({ hikcentral }: Site) =>
  hikcentral
    .state()
    .persons.map(({ personId: _, remark: __, ...person }) => person)
    .sort((a, b) => a.personCode.localeCompare(b.personCode));

test("a Python worker that takes and feeds every message of all four queues changes nothing in the end", async () => {
  const people = 60;
  await using straight = await startSite({ as: "binary", people });
  await straight.induct();
  await using site = await startSite({ as: "binary", people, broker: url, start: false });
  const pages = [...site.eposh.days.values()].filter((day) => day.length > 0).length;
  for (const [at, queue] of queues.entries()) {
    const disabled = ["apply-access", ...stages.slice(at)].join(",");
    await site.start({ STAGES_DISABLED: disabled });
    if (at === 0) expect(await site.trigger()).toMatchObject({ status: 200, body: { employees: people, pages } });
    await python(["bounce", queue, String(at === 0 ? pages : people)]);
    await site.stop();
  }
  await site.start();
  const isThrough = () => endOf(site).every(({ groups }) => groups.length > 0) && endOf(site).length === people;
  await until(isThrough, { timeoutMs: 30_000, everyMs: 100, what: "everybody to have access" });
  await until(() => Bun.deepEquals(endOf(site), endOf(straight)), { everyMs: 100 });
  expect(endOf(site)).toEqual(endOf(straight));
}, 60_000);

test("the original's four messages, as Python writes them, are taken at each queue", async () => {
  await using site = await startSite({ as: "binary", broker: url, start: false });
  const employee = budi(site);
  const { photo: _, birth_date: __, ...four } = employee;
  const pagination = { current_page: 1, last_page: 2, total: 155 };
  const feed = (queue: string, message: unknown) => python(["feed", queue], JSON.stringify(message));
  // Before the daemon has ever declared it.
  await feed("hikvision_queue", { event: "HIKVISION_SYNC", data: { data: [employee], pagination } });
  await site.start();
  const persons = () => site.hikcentral.state().persons;
  const become = (expected: object) =>
    until(() => Bun.deepMatch(expected, persons()[0] ?? {}), { everyMs: 50, what: JSON.stringify(expected) }).catch(
      (error: unknown) => {
        throw new Error(`${error}: ${JSON.stringify(persons())}\n${site.output().slice(-3000)}`);
      },
    );
  await become({ personId: "18945", kib: "2600001", hasFace: true, groups: ["1", "2", "8"] });
  await feed("hikvision_create_person", { employee: { ...employee, name: "Budi Santoso", kib_number: "2600002" } });
  await become({ personFamilyName: "Santoso", kib: "2600002" });
  await feed("hikvision_update_kib", { personId: "18945", kib_number: "2600003", employee: four });
  await become({ kib: "2600003" });
  await feed("hikvision_assign_privilege", { personId: "18945", privilege_groups: ["1", "9"] });
  await become({ groups: ["1", "2", "8", "9"] });
  expect(persons()).toHaveLength(1);
}, 60_000);
