import { expect, test } from "bun:test";
import { defaultRegionals } from "../../src/config/schema.ts";
import type { RunView } from "../../src/ledger/runs.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { type Employee, mixed, shuffled } from "./odd-records.ts";

const date = "2026-01-03";
const dates = { from: date, to: date };

export interface FuzzOptions {
  good: number;
  bad: number;
  broker: "embedded" | "rabbitmq";
  /** The least share of the speed without the bad ones; unless given, the speed is only printed. */
  leastSpeed?: number;
  timeoutMs: number;
}

/** As Eposh writes them, without what JSON cannot hold. */
const asJson = (all: readonly Employee[]): Employee[] => JSON.parse(JSON.stringify(all));

/** Of the picture, in the note at the end of a remark. */
const hasMark = / [\da-f]{8}\]$/;
const hasPhoto = ({ photo }: Employee) => JSON.stringify(photo ?? "").includes("/kib/");

const groupOf = new Map(defaultRegionals);
function wholeOf(site: Site, people: readonly Employee[]): number {
  const persons = new Map(site.hikcentral.state().persons.map((one) => [one.personCode, one]));
  return people.filter((one) => {
    const person = persons.get(String(one.identity_number));
    const groups = (one.regionals as { slug: string }[]).map(({ slug }) => groupOf.get(slug) ?? "?");
    return person?.hasFace && person.kib === one.kib_number && groups.every((group) => person.groups.includes(group));
  }).length;
}

/** Runs the date; resolves with the run and with how many records it worked off in a second. */
async function timed(site: Site, people: readonly Employee[], timeoutMs: number) {
  site.eposh.days.set(date, asJson(people));
  const startedAt = performance.now();
  const run = await site.begin(dates);
  const isDone = async () => {
    const view = await run.view();
    return view.status === "done" && view;
  };
  const view: RunView = await until(isDone, { timeoutMs, everyMs: 100, what: "the run to be through" });
  return { view, aSecond: people.length / ((performance.now() - startedAt) / 1000) };
}

/** What a record brings upon itself, and upon nobody else. */
export function fuzz({ good: goodCount, bad: badCount, broker, leastSpeed, timeoutMs }: FuzzOptions): void {
  const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 1e6));
  const title = `${badCount} bad records among ${goodCount} good ones on ${broker} (FUZZ_SEED=${seed}): every good one is whole, each bad one is there once, and corrected all are whole`;

  test(title, { timeout: 4 * timeoutMs }, async () => {
    const gone = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const deadPort = gone.port ?? 0;
    await gone.stop(true);
    const own = broker === "embedded" ? {} : { broker };
    const env = { BROKER_RETRY_DELAYS: "100ms,200ms,400ms" };
    await using plain = await startSite({ as: "binary", ...own, env });
    const photosOf = (site: Site) => `${site.eposh.origin}/photos`;
    const alone = mixed({ good: goodCount, bad: 0, photos: photosOf(plain), deadPort, seed });
    const baseline = (await timed(plain, alone.good, timeoutMs)).aSecond;

    await using site = await startSite({ as: "binary", ...own, env });
    site.eposh.faults.set(
      instead("forbidden", "", { status: 403, match: "/photos/forbidden/" }),
      instead("broken", "", { status: 500, match: "/photos/broken/" }),
    );
    const { good, bad, corrected } = mixed({ good: goodCount, bad: badCount, photos: photosOf(site), deadPort, seed });
    const both = shuffled([...good, ...bad], seed);
    const { view, aSecond } = await timed(site, both, timeoutMs);
    console.log(
      `fuzz ${broker}, seed ${seed}: ${aSecond.toFixed(1)} records a second, ${baseline.toFixed(1)} without the bad ones; ` +
        `${view.through} through, ${view.dead} dead, ${view.warnings.map(({ code, count }) => `${count} ${code}`).join(", ")}`,
    );
    expect(view).toMatchObject({ employees: both.length, through: both.length - view.dead, open: 0 });
    const wholeInTime = () => wholeOf(site, good) === good.length;
    await until(wholeInTime, { timeoutMs, everyMs: 200, what: "every good one to be whole" });
    const { groups } = (await site.get(`/dead?run=${view.run}`)).body as { groups: { stage: string; count: number }[] };
    const letters = groups.filter(({ stage }) => stage !== "face").reduce((sum, { count }) => sum + count, 0);
    expect(letters).toBe(view.dead);
    // Nobody waits for the stage face, and only it may pause for a photo host that fails for many.
    const paused = site
      .output()
      .split("\n")
      .filter((line) => line.includes("paused:") && !line.includes("stage=face"));
    expect(paused).toEqual([]);

    // Faces of bad records with an ordinary photo may still follow; then a further run would not be the first to write.
    const withoutPhoto = new Set(bad.flatMap((one) => (hasPhoto(one) ? [] : [String(one.identity_number)])));
    const isSettled = () =>
      [...site.hikcentral.persons.values()].every(({ personCode, picture, remark }) =>
        picture ? hasMark.test(remark) : withoutPhoto.has(personCode),
      );
    await until(isSettled, { timeoutMs, everyMs: 200, what: "the last faces to follow" });
    site.deeds();
    const again = await timed(site, both, timeoutMs);
    expect(again.view).toMatchObject({ through: view.through, dead: view.dead });
    const { photo: _, ...writes } = site.deeds();
    expect(writes).toEqual({});

    await timed(site, shuffled([...good, ...corrected], seed), timeoutMs);
    const all = [...good, ...corrected];
    await until(() => wholeOf(site, all) === all.length, { timeoutMs, everyMs: 200, what: "all to be whole" });
    if (leastSpeed !== undefined) expect(aSecond / baseline).toBeGreaterThanOrEqual(leastSpeed);
  });
}
