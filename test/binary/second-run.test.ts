import { expect, test } from "bun:test";
import { startSimulators } from "../../src/simulator/start.ts";
import { environmentOf, startDaemon, temporaryFolder } from "../support/daemon.ts";

const people = 120;

/** What both simulators counted: each write at HikCentral, and every photo fetched. */
function counts({ hikcentral, eposh }: Awaited<ReturnType<typeof startSimulators>>) {
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
  await using simulators = await startSimulators({ people });
  const { hikcentral, eposh } = simulators;
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

  const folder = temporaryFolder();
  const env = environmentOf(simulators);
  const through = { status: "done", employees: people, through: people, dead: 0, warnings: [] };
  {
    await using daemon = await startDaemon(env, folder);
    expect(await daemon.induct()).toMatchObject(through);
    const first = counts(simulators);
    expect(first).toMatchObject({ add: people - 1, update: 1, face: 1, kib: people, photos: people });
    // n.b. A copy: Bun's toMatchObject writes its matchers into what it is given.
    const kept = { ...hikcentral.persons.get(personId) };
    expect(kept).toMatchObject({ ...byHand, remark: expect.stringMatching(/^kunci 7 /) });
    expect(
      hikcentral.state().persons.filter(({ hasFace, kib, groups }) => hasFace && kib && groups.length > 0),
    ).toHaveLength(people);

    expect(await daemon.induct()).toMatchObject(through);
    expect(counts(simulators)).toEqual(first);
  }
  const before = counts(simulators);
  const state = hikcentral.state().persons;
  for (const [title, where] of [
    ["after a restart", folder],
    ["with its state folder lost", temporaryFolder()],
  ] as const) {
    await using daemon = await startDaemon(env, where);
    expect({ title, ...(await daemon.induct()) }).toMatchObject({ title, ...through });
    expect({ title, ...counts(simulators) }).toEqual({ title, ...before });
  }
  expect(hikcentral.state().persons).toEqual(state);
}, 60_000);
