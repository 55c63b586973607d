import { expect, test } from "bun:test";
import type { CaseList } from "../../src/operator/cases.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { bombs } from "../support/bombs.ts";
import { decodersOf, fileOf, isRunning } from "../support/processes.ts";
import { budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const date = "2026-01-01";
const dates = { from: date, to: date };
const [photos, evil] = [200, 20];

const person = (site: Site, number: number) =>
  budi(site, {
    identity_number: nikOf(number, "1990-01-31"),
    kib_number: String(2_600_000 + number),
    photo: { link: `${site.eposh.origin}/photos/kib/-${1_767_600_000 + number}.png` },
  });

/** So many people who are new, and among them those whose photo is a bomb. */
function prepare(site: Site, count: number): void {
  const kinds = bombs();
  const first = site.hikcentral.persons.size;
  const people = Array.from({ length: photos }, (_, number) => person(site, first + number));
  for (let at = 0; at < count; at++) {
    const path = `/photos/bomb/${at}`;
    site.eposh.pictures.set(path, new Uint8Array(kinds[at % kinds.length] ?? []));
    const bomber = { ...person(site, first + photos + at), photo: { link: `${site.eposh.origin}${path}` } };
    people.splice(at * (photos / evil), 0, bomber);
  }
  site.eposh.days.set(date, people);
}

const megabytes = (pid: number, word: string) =>
  Number(new RegExp(`${word}:\\s+(\\d+)`).exec(fileOf(pid, "status"))?.[1] ?? 0) / 1024;
const wholeOf = (site: Site) => site.atTheGate().filter(({ hasFace }) => hasFace).length;

/** Runs the date; resolves with the photos done in a second, and the memory at its peak. */
async function timed(site: Site) {
  const before = wholeOf(site);
  const peaks = new Map<number, number>();
  const look = () => {
    for (const pid of [site.pid, ...decodersOf(site.pid)]) peaks.set(pid, megabytes(pid, "VmHWM"));
  };
  const startedAt = performance.now();
  const run = await site.begin(dates);
  const isDone = () => {
    look();
    return wholeOf(site) === before + photos;
  };
  await until(isDone, { timeoutMs: 300_000, everyMs: 50, what: "all ordinary photos to be faces" });
  const aSecond = photos / ((performance.now() - startedAt) / 1000);
  const view = await run.through();
  const { [site.pid]: daemon = 0, ...decoders } = Object.fromEntries(peaks);
  return { view, aSecond, daemon, decoder: Math.max(...Object.values(decoders)) };
}

test("20 bombs among 200 photos: the 200 are done at no less than 0.7 of the speed without them, the bombs are 20 persons without a face, and a stop takes under 2 s", async () => {
  await using plain = await startSite({ as: "binary" });
  await using site = await startSite({ as: "binary" });
  const figures = ({ aSecond, daemon, decoder }: Awaited<ReturnType<typeof timed>>) =>
    `${aSecond.toFixed(1)} photos a second, ${daemon.toFixed(0)} MB, ${decoder.toFixed(0)} MB a decoder`;
  let share = 0;
  // A machine that others use too is slower now and then.
  for (let round = 1; round <= 3 && share < 0.7; round++) {
    prepare(plain, 0);
    const without = await timed(plain);
    prepare(site, evil);
    const withBombs = await timed(site);
    console.log(`STEP without bombs ${figures(without)}; with 20 ${figures(withBombs)}`);
    share = Math.max(share, withBombs.aSecond / without.aSecond);
    expect(withBombs.view).toMatchObject({ employees: photos + evil, through: photos + evil, dead: 0 });
    expect(site.atTheGate()).toHaveLength(round * (photos + evil));
    // Where the decoders were busy the photo was decoded later, and its case is a dead letter of the stage face.
    const cases = async () => {
      const { groups, warnings } = (await site.get("/dead")).body as unknown as CaseList;
      return [...groups, ...warnings].filter(({ code }) => code === "no_photo").flatMap((group) => group.cases);
    };
    const hasAll = async () => (await cases()).length === round * evil;
    await until(hasAll, { timeoutMs: 120_000, everyMs: 200, what: "a case for each bomb" });
    expect(withBombs.daemon).toBeLessThan(without.daemon + 100);
    expect(withBombs.decoder).toBeLessThan(250);
  }
  expect(share).toBeGreaterThanOrEqual(0.7);

  // In the middle of another run.
  prepare(site, evil);
  const before = wholeOf(site);
  await site.begin(dates);
  await until(() => wholeOf(site) > before + 20, { timeoutMs: 120_000, what: "the run to be under way" });
  const decoders = decodersOf(site.pid);
  expect(decoders.length).toBeGreaterThan(0);
  const startedAt = performance.now();
  expect(await site.stop()).toBe(0);
  expect(performance.now() - startedAt).toBeLessThan(2_000);
  await until(() => !decoders.some(isRunning), { timeoutMs: 2_000, what: "the decoders to end" });
}, 900_000);
