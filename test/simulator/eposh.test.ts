import { expect, test } from "bun:test";
import { badPages, type EposhOptions, startEposh } from "../../src/simulator/eposh.ts";
import { laterOddPeople, oddPeople } from "../../src/simulator/odd-people.ts";
import { startSimulators } from "../../src/simulator/start.ts";

interface Page {
  data: { name: string; identity_number: string; kib_number: string; photo: { link: string } }[];
  pagination: { current_page: number; last_page: number; total: number };
}
type Eposh = Awaited<ReturnType<typeof startEposh>>;

const open = (options: EposhOptions = {}) => startEposh(options);
function ask(eposh: Eposh, date: string, page = 1): Promise<Response> {
  const query = `induction_date=${date}&include_base64=false&page=${page}&limit=100`;
  return fetch(`${eposh.url}?${query}`, { headers: { "x-api-key": eposh.apiKey, "x-app-id": eposh.appId } });
}
const pageOf = async (...wanted: Parameters<typeof ask>) => (await (await ask(...wanted)).json()) as Page;
async function everybody(eposh: Eposh) {
  const pages: Page[] = [];
  for (const date of eposh.days.keys()) {
    const first = await pageOf(eposh, date);
    pages.push(first);
    for (let page = 2; page <= first.pagination.last_page; page++) pages.push(await pageOf(eposh, date, page));
  }
  return pages;
}

test("the default is the original's run: 1,543 employees on 17 pages, one date of two pages, one empty", async () => {
  await using eposh = await open();
  const pages = await everybody(eposh);
  const people = pages.flatMap(({ data }) => data);
  expect(pages.filter(({ data }) => data.length > 0)).toHaveLength(17);
  expect(pages.map(({ pagination }) => pagination.total)).toEqual(expect.arrayContaining([155, 155, 0]));
  expect(new Set(people.map((one) => one.identity_number)).size).toBe(1543);
  expect(new Set(people.map((one) => one.kib_number)).size).toBe(1543);
  expect(new Set(people.map((one) => one.photo.link)).size).toBe(1543);
  for (const one of people) {
    expect(one).toMatchObject({
      identity_number: expect.stringMatching(/^35\d{14}$/),
      name: expect.stringMatching(/ Contoh /),
    });
    expect(one.kib_number).toMatch(/^26\d{5}$/);
  }
});

test.each([1, 20, 300, 5000])("%i people are spread over the dates, and one date stays empty", async (people) => {
  await using eposh = await open({ people });
  const counts = [...eposh.days.values()].map((day) => day.length);
  expect(counts.reduce((sum, count) => sum + count)).toBe(people);
  expect(counts).toContain(0);
});

test("the same seed makes the same people, another seed others", async () => {
  await using first = await open({ people: 20, seed: 3 });
  await using second = await open({ people: 20, seed: 3 });
  await using third = await open({ people: 20, seed: 4 });
  const names = (eposh: Eposh) => JSON.stringify([...eposh.days.values()].flat().map(({ photo: _, ...rest }) => rest));
  expect(names(second)).toBe(names(first));
  expect(names(third)).not.toBe(names(first));
});

test("a wrong key, a wrong app id and a wrong date are refused", async () => {
  await using eposh = await open();
  const headers = { "x-api-key": eposh.apiKey, "x-app-id": eposh.appId };
  const status = async (changed: object) =>
    (await fetch(`${eposh.url}?induction_date=2026-01-01`, { headers: { ...headers, ...changed } })).status;
  expect(await status({ "x-api-key": "other" })).toBe(401);
  expect(await status({ "x-app-id": "other" })).toBe(401);
  expect(await status({})).toBe(200);
  expect((await ask(eposh, "01/01/2026")).status).toBe(422);
});

test("everybody has a photo of their own, 15 to 200 KB of transparent PNG", async () => {
  await using eposh = await open({ people: 20 });
  const links = [...eposh.days.values()].flat().map((one) => (one.photo as { link: string }).link);
  const pictures = await Promise.all(links.map(async (link) => (await fetch(link)).bytes()));
  expect(new Set(pictures.map((picture) => Bun.hash(picture))).size).toBe(20);
  for (const picture of pictures) expect(picture.length).toBeWithin(15_000, 200_000);
  expect(await new Bun.Image(pictures[0] ?? "").metadata()).toMatchObject({
    width: 300,
    height: 400,
    format: "png",
  });
  expect(Object.values(eposh.photos)).toEqual(Array(20).fill(1));
});

test("pages of another shape, a drift and a wrong total happen as often as asked", async () => {
  await using eposh = await open();
  const [date] = [...eposh.days].find(([, people]) => people.length > 100) ?? [""];
  for (const [name, fault] of Object.entries(badPages)) {
    eposh.faults.set({ ...fault, times: 1 });
    const text = await (await ask(eposh, date)).text();
    expect({ name, text }).toEqual({ name, text: `${fault.body}` });
  }
  eposh.faults.set({ kind: "drift", match: "page=2", times: 1 }, { kind: "wrong-total", match: "page=2", times: 1 });
  const niks = async () => {
    const pages = [await pageOf(eposh, date), await pageOf(eposh, date, 2)];
    const distinct = new Set(pages.flatMap(({ data }) => data.map((one) => one.identity_number)));
    return [distinct.size, pages[1]?.pagination.total];
  };
  expect(await niks()).toEqual([154, 156]);
  expect(await niks()).toEqual([155, 155]);
  expect(eposh.faults.seen).toEqual({
    message: 1,
    nothing: 1,
    html: 1,
    empty: 1,
    drift: 1,
    "wrong-total": 1,
  });
  expect(eposh.pages[`${date} 2`]).toBe(2);
});

test("the photo host fails by itself", async () => {
  await using eposh = await open({
    people: 20,
    faults: [{ kind: "answer", match: "/photos/", status: 503 }],
  });
  const photo = `${eposh.origin}/photos/kib/-1767600001.png`;
  expect((await fetch(photo)).status).toBe(503);
  expect((await ask(eposh, "2026-01-01")).status).toBe(200);
});

test("odd people arrive as they are described: the unsafe number unquoted, the wrecks behind their links", async () => {
  await using eposh = await open({ people: 17, odd: true });
  const [page, later] = [await (await ask(eposh, "2026-01-18")).text(), await pageOf(eposh, "2026-01-19")];
  expect(page).toContain('"identity_number":9171010101900003,');
  const { data } = JSON.parse(page) as Page;
  const odd = data.slice(-oddPeople.length);
  const named = (what: string) => odd[oddPeople.findIndex((one) => one.what === what)];
  expect(named("name missing")).not.toHaveProperty("name");
  expect(named("name of 300 characters")?.name.length).toBe(300);
  expect(later.data.slice(-laterOddPeople.length).map((one) => one.identity_number)).toEqual(
    [named("NIK of two people"), named("KIB changed")].map((one) => one?.identity_number ?? ""),
  );
  expect(named("photo shared")?.photo.link).toBe(`${named("photo shared, again")?.photo.link}`);
  const photoOf = async (what: string) => fetch(named(what)?.photo.link ?? "");
  expect((await photoOf("photo is not there")).status).toBe(404);
  expect((await (await photoOf("photo of 20 MB")).bytes()).length).toBeGreaterThan(20_000_000);
  expect(await (await photoOf("photo is a page")).text()).toContain("<!doctype html>");
  const bomb = await (await photoOf("photo is a PNG bomb")).bytes();
  expect(bomb.length).toBeLessThan(200_000);
  const size = new Bun.Image(bomb, { maxPixels: 400_000_000 }).metadata();
  expect(await size).toMatchObject({ width: 20_000, height: 20_000 });
  const endless = await (await photoOf("photo is a JPEG without its end")).bytes();
  expect([...endless.subarray(0, 2), ...endless.subarray(-2)]).not.toEqual([0xff, 0xd8, 0xff, 0xd9]);
  expect(endless[0]).toBe(0xff);
  const damaged = Buffer.from(await (await photoOf("photo is a PNG with a bad CRC")).bytes());
  const [dataAt, length] = [damaged.indexOf("IDAT"), damaged.readUInt32BE(damaged.indexOf("IDAT") - 4)];
  const sum = Bun.hash.crc32(damaged.subarray(dataAt, dataAt + 4 + length));
  expect(damaged.toString("latin1", 1, 4)).toBe("PNG");
  expect(sum).not.toBe(damaged.readUInt32BE(dataAt + 4 + length));
});

test("both start together with the environment of a daemon that uses them, and both end", async () => {
  const simulators = await startSimulators({ people: 5 });
  const { env } = simulators;
  expect(Object.keys(env).sort()).toEqual([
    "EPOSH_API_KEY",
    "EPOSH_APP_ID",
    "EPOSH_URL",
    "HIKCENTRAL_APP_KEY",
    "HIKCENTRAL_APP_SECRET",
    "HIKCENTRAL_URL",
    "INDUCTION_FROM",
    "INDUCTION_SKIP",
    "INDUCTION_TO",
    "PHOTO_ALLOWED_HOSTS",
  ]);
  expect((await fetch(env.EPOSH_URL)).status).toBe(401);
  expect((await fetch(`${env.HIKCENTRAL_URL}/api/common/v1/version`)).status).toBe(401);
  await simulators[Symbol.asyncDispose]();
  for (const url of [env.EPOSH_URL, env.HIKCENTRAL_URL])
    expect(
      await fetch(url).then(
        () => "open",
        () => "closed",
      ),
    ).toBe("closed");
});
