import { expect, test } from "bun:test";
import type { RunView } from "../../src/ledger/runs.ts";
import type { CaseList } from "../../src/operator/cases.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const [first, second] = ["2026-01-01", "2026-01-02"];
const dates = { from: first, to: second };
const born = "1990-01-31";
const photo = (site: Site, number: number, kind = "kib") => ({
  photo: { link: `${site.eposh.origin}/photos/${kind}/-${1_767_600_000 + number}.png` },
});
const letters = (number: number) => String.fromCharCode(65 + (number % 26), 97 + (Math.floor(number / 26) % 26));
const person = (site: Site, number: number, changes: Body = {}) =>
  budi(site, {
    ...photo(site, number),
    name: `Budi Contoh ${letters(number).repeat(2)}wan`,
    identity_number: nikOf(100 + number, born),
    kib_number: String(9_300_000 + number),
    ...changes,
  });

/** With more patience than a run of a few people needs. */
async function induct(site: Site): Promise<RunView> {
  const { view } = await site.begin(dates);
  const isDone = async () => {
    const seen = await view();
    return seen.status === "done" && seen;
  };
  return until(isDone, { timeoutMs: 300_000, everyMs: 100, what: "the run to be through" });
}

/** With a warning, or nothing at all to say; three of them have no picture. */
const odd = (site: Site): Body[] => [
  { kib_number: "KIB/7/2026" },
  { kib_number: null },
  { regionals: [] },
  { photo: null },
  { identity_number: "480213480" },
  { kib_number: "" },
  { kib_number: 9_390_001 },
  { regionals: null },
  { regionals: [{ name: "Zona IX", slug: "zona-ix" }] },
  photo(site, 1, "page"),
  photo(site, 2, "missing"),
  { identity_number: "A0480213" },
  { identity_number: "3500000000000007" },
  { birth_date: { ymd: "1969-12-31" } },
  { name: "Suharti" },
  { name: `Budi ${"Contoh".repeat(50)}` },
];
const withoutFace = new Set([3, 9, 10]);
/** What is behind their links is asked for again each time, in case it has been replaced. */
const withBadPhoto = [9, 10];

/** Nobody is made of these. */
const unusable: Body[] = [
  { name: "123" },
  { identity_number: "NA" },
  { identity_number: "-" },
  { name: null },
  { name: "…" },
  { identity_number: null },
  { identity_number: 3.20102e15 },
  { identity_number: "0".repeat(16) },
  { identity_number: "BELUM ADA" },
];

export interface FurtherRunsOptions {
  people: number;
  /** How many of them stand on a second date, with another photo, KIB number and zone. */
  twice: number;
  odd: number;
  unusable: number;
  broker: string;
}

export function furtherRuns({ broker, ...count }: FurtherRunsOptions): void {
  const title = `${count.people} people, ${count.twice} of them on two dates, ${count.odd} odd and ${count.unusable} unusable: a second and a third run write nothing and add neither a case nor a dead letter (${broker})`;
  test(title, { timeout: 1_200_000 }, async () => {
    await using site = await startSite({ broker, people: 0, env: { EPOSH_PAGE_SIZE: "7" } });
    const { people, twice } = count;
    const everyday = Array.from({ length: people }, (_, number) => person(site, number));
    const again = everyday.slice(0, twice).map((_, number) =>
      person(site, number, {
        ...photo(site, 5_000 + number),
        kib_number: String(9_400_000 + number),
        regionals: [{ name: "Kawasan", slug: "kawasan" }],
      }),
    );
    const odds = odd(site).slice(0, count.odd);
    const oddOnes = odds.map((changes, at) => person(site, 1_000 + at, changes));
    const badOnes = unusable.slice(0, count.unusable).map((changes, at) => person(site, 2_000 + at, changes));
    const third = Math.floor(people / 3);
    site.eposh.days.set(first, [...everyday.slice(0, -third), ...oddOnes, ...badOnes]);
    site.eposh.days.set(second, [...again, ...everyday.slice(-third)]);
    const employees = people + twice + count.odd + count.unusable;
    const sums = { employees, through: employees - count.unusable, dead: count.unusable };

    const once = await induct(site);
    expect(once).toMatchObject(sums);
    // On a busy machine faces follow a little later.
    const faces = () => site.hikcentral.state().persons.filter(({ hasFace }) => hasFace).length;
    const wanted = people + odds.filter((_, at) => !withoutFace.has(at)).length;
    await until(() => faces() === wanted, { timeoutMs: 60_000, what: "everybody with a photo to have a face" });
    await until(async () => (await site.left()) === 0, { what: "the stages to be at rest" });
    const before = structuredClone(site.hikcentral.state().persons);
    expect(before.length).toBe(people + count.odd);
    expect(site.person(nikOf(100, born))).toMatchObject({ kib: "9400000", groups: ["1", "2", "8", "9"] });
    const linesOf = async () => {
      const { groups, warnings } = (await site.get("/dead")).body as unknown as CaseList;
      return [groups, warnings].map((all) => all.flatMap(({ cases }) => cases.map(({ id }) => id)).sort());
    };
    const lines = await linesOf();
    const letters = async () => (await site.bodies("hikvision_create_person.dead")).length;
    expect(lines[0]).toHaveLength(count.unusable);
    expect(await letters()).toBe(count.unusable);
    const badPhotos = withBadPhoto.filter((at) => at < count.odd).length;
    const tallies = ({ warnings }: RunView) => warnings.map(({ code, count }) => [code, count]);
    site.deeds();
    for (const _ of [2, 3]) {
      const view = await induct(site);
      expect(view).toMatchObject(sums);
      // The text is that of any one of them.
      expect(tallies(view)).toEqual(tallies(once));
      expect(await linesOf()).toEqual(lines);
      expect(await letters()).toBe(count.unusable);
      expect(site.deeds()).toEqual(badPhotos > 0 ? { photo: badPhotos } : {});
    }
    expect(site.hikcentral.state().persons).toEqual(before);
  });
}
