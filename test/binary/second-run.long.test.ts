import { expect, test } from "bun:test";
import type { Simulators } from "../../src/simulator/start.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { startSite } from "../support/site.ts";

const people = 120;

/** What both simulators counted: each write at HikCentral, and every photo fetched. */
function counts({ hikcentral, eposh }: Pick<Simulators, "hikcentral" | "eposh">) {
  const { calls } = hikcentral;
  const of = (path: string) => calls[path] ?? 0;
  return {
    add: of("resource/v1/person/single/add"),
    update: of("resource/v1/person/single/update"),
    face: of("resource/v1/person/face/update"),
    kib: of("resource/v1/person/personId/customFieldsUpdate"),
    access: of("acs/v1/privilege/group/single/addPersons"),
    photos: Object.values(eposh.photos).reduce((sum, count) => sum + count, 0),
  };
}

test("a second run over the same dates writes nothing and fetches no photo, whoever was there before", async () => {
  await using site = await startSite({ as: "binary", people, start: false });
  const { hikcentral, eposh } = site;
  const one = [...eposh.days.values()].flat()[7];
  const [given = "", ...family] = String(one?.name).split(" ");
  const byHand = {
    personCode: String(one?.identity_number),
    personGivenName: given,
    personFamilyName: family.join(" "),
    orgIndexCode: "2",
    phoneNo: "0800000001",
    email: "tamu@contoh.example",
    remark: "kunci 7",
    cards: [{ cardNo: "4711" }],
    keyfobs: [{ keyfobNo: "12" }],
    beginTime: "2020-01-01T00:00:00+07:00",
    endTime: "2036-12-31T23:59:59+07:00",
  };
  const { personId } = hikcentral.seed(byHand);

  const through = { status: "done", employees: people, through: people, dead: 0, warnings: [] };
  await site.start();
  expect(await site.induct()).toMatchObject(through);
  const before = counts(site);
  expect(before).toMatchObject({ add: people - 1, update: 1, face: 1, kib: people, photos: people });
  // n.b. A copy: Bun's toMatchObject writes its matchers into what it is given.
  const kept = { ...hikcentral.persons.get(personId) };
  expect(kept).toMatchObject({ ...byHand, remark: expect.stringMatching(/^kunci 7 /) });
  expect(site.atTheGate().filter(({ hasFace }) => hasFace)).toHaveLength(people);
  const state = hikcentral.state().persons;

  expect(await site.induct()).toMatchObject(through);
  expect(counts(site)).toEqual(before);
  for (const [title, changes, photos] of [
    ["after a restart", {}, people],
    ["with its state folder lost each photo is compared once", { STATE_FOLDER: temporaryFolder() }, 2 * people],
  ] as const) {
    await site.stop();
    await site.start(changes);
    expect({ title, ...(await site.induct()) }).toMatchObject({ title, ...through });
    expect({ title, ...counts(site) }).toEqual({ title, ...before, photos });
  }
  expect(hikcentral.state().persons).toEqual(state);
}, 60_000);
