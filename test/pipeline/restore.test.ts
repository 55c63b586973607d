import { describe, expect, test } from "bun:test";
import { readConfig } from "../../src/config/load.ts";
import type { CaseList } from "../../src/operator/cases.ts";
import { NightlyComparison } from "../../src/reconcile/nightly.ts";
import { type Employee, employee } from "../../src/simulator/people.ts";
import { type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

let site: InProcessSite;

const days = ["2026-01-01", "2026-01-06", "2026-01-07"] as const;
const open = () =>
  startSite({ env: { HIKCENTRAL_VALID_FROM: "2026-01-01", INDUCTION_FROM: days[0], INDUCTION_TO: days[2] } });
const linkOf = (number: number) => `${site.eposh.origin}/photos/kib/-${1_790_000_000 + number}.png`;
const zones = (...slugs: string[]) => ({ regionals: slugs.map((slug) => ({ name: slug, slug })) });
const made = (number: number, ...slugs: string[]) =>
  Object.assign(employee(number, 7, linkOf(number)), zones("zona-i", ...slugs));
const nikOf = (one: Employee) => String(one.identity_number);

/** Comparisons as the daemon makes them, the next one half a second after the last loss. */
function nightly(): NightlyComparison & { said: string[] } {
  const { config } = readConfig({ env: site.env, defaultFile: "/nonexistent" });
  const { clients, ledger } = site.daemon;
  const said: string[] = [];
  const say = (text: string) => void said.push(text);
  const log = { info: say, warn: say };
  const now = () => new Date("2026-01-19T19:00:00Z");
  const startRun = (fix: object) => site.induct(fix);
  return Object.assign(new NightlyComparison({ clients, config, ledger, log, now, startRun, settleMs: 500 }), { said });
}

const openCases = async () => {
  const { groups, warnings } = (await site.get("/dead")).body as unknown as CaseList;
  return [...groups, ...warnings].flatMap(({ cases }) => cases).map(({ code, kib }) => ({ code, kib }));
};

/** All that a person has, without the number and the times of our note. */
const shapes = () =>
  site.hikcentral
    .state()
    .persons.map(({ personId: _, remark, ...person }) => ({ ...person, picture: remark.slice(-9, -1) }))
    .sort((a, b) => a.personCode.localeCompare(b.personCode));

/** Takes somebody out of all groups in HikCentral. */
function takeOut(nik: string): void {
  const personId = String(site.person(nik)?.personId);
  for (const { members } of site.hikcentral.groups.values()) members.delete(personId);
}

const passes: Record<string, (comparisons: NightlyComparison) => Promise<unknown>> = {
  "a nightly comparison": (comparisons) => comparisons.run(),
  "an ordinary run": () => site.induct(),
};

describe.each(Object.entries(passes))(
  "HikCentral restored to the day before, with numbers used again: %s",
  (_, pass) => {
    test("makes it whole, and what a human took away stays away", async () => {
      await using here = await open();
      site = here;
      const { eposh, hikcentral } = site;
      const known = [901, 902, 903, 904, 905, 906].map((number) => made(number));
      const [gains, otherKib, otherFace, ended, takenBefore] = known;
      if (!(gains && otherKib && otherFace && ended && takenBefore)) throw new Error("nobody is known");
      eposh.days.set(days[0], known);
      await site.induct();
      takeOut(nikOf(takenBefore));
      for (const person of hikcentral.persons.values())
        if (person.personCode === nikOf(ended)) person.endTime = "2026-01-02T00:00:00+07:00";
      eposh.days.set(days[1], [made(907)]);
      await site.induct({ from: days[1], to: days[1] });
      const dayBefore = hikcentral.backup();

      const added = [911, 912, 913, 914].map((number) => made(number));
      eposh.days.set(days[2], [
        made(901, "zona-ii"),
        ...added,
        { ...otherKib, kib_number: "2699001" },
        { ...otherFace, photo: { link: linkOf(999) } },
        ended,
      ]);
      await site.induct({ from: days[2], to: days[2] });
      expect(site.person(nikOf(gains))?.groups).toEqual(["1", "2"]);
      expect(String(site.person(nikOf(ended))?.endTime)).toStartWith("2030");
      const whole = shapes();
      const numbers = added.map((one) => site.person(nikOf(one))?.personId);

      // It takes longer than the minute for which the daemon remembers members.
      await site.stop();
      dayBefore();
      await site.start();
      const guest = { personCode: "3500000101900002", personGivenName: "Tamu", personFamilyName: "Baru" };
      expect(numbers).toContain(hikcentral.seed(guest).personId);
      expect(shapes()).not.toEqual(whole);
      using comparisons = nightly();
      await pass(comparisons);
      const left = async () => JSON.stringify((await openCases()).map(({ code, kib }) => `${code} ${kib}`));
      const taken = JSON.stringify([`taken_away_in_hikcentral ${takenBefore.kib_number}`]);
      await until(async () => (await left()) === taken, { what: `all but one case to end, left: ${await left()}` });
      expect(shapes().filter(({ personCode }) => personCode !== guest.personCode)).toEqual(whole);
      expect(site.person(guest.personCode)).toMatchObject({ hasFace: false, kib: "", groups: [] });
      expect(site.person(nikOf(takenBefore))?.groups).toEqual([]);
      expect(comparisons.said).toContainEqual(expect.stringContaining("HikCentral was restored to a backup"));
    });
  },
);

test("persons and access that a human removed are no restore: the persons come back, the access does not", async () => {
  await using here = await open();
  site = here;
  const { eposh, hikcentral } = site;
  eposh.days.set(days[0], [made(901)]);
  await site.induct();
  const added = [911, 912, 913].map((number) => made(number));
  const gains = made(901, "zona-ii");
  eposh.days.set(days[2], [gains, ...added]);
  await site.induct({ from: days[2], to: days[2] });
  for (const one of added) hikcentral.persons.delete(String(site.person(nikOf(one))?.personId));
  takeOut(nikOf(gains));
  using comparisons = nightly();
  await comparisons.run();
  await comparisons.run();
  expect(await openCases()).toEqual([{ code: "taken_away_in_hikcentral", kib: "2600901" }]);
  expect(site.person(nikOf(gains))?.groups).toEqual([]);
  expect(added.map((one) => site.person(nikOf(one))?.groups)).toEqual([["1"], ["1"], ["1"]]);
  expect(comparisons.said.filter((text) => text.includes("restored"))).toEqual([]);
});
