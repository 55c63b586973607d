import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { readConfig } from "../../src/config/load.ts";
import type { PhotoSource } from "../../src/people/types.ts";
import { NightlyComparison } from "../../src/reconcile/nightly.ts";
import type { LookLimits } from "../../src/reconcile/photo-looks.ts";
import { portrait } from "../../src/simulator/pictures.ts";
import { createPhotos } from "../../src/upstreams/photos.ts";
import { type InProcessSite, startSite } from "../support/site.ts";

const [former, present] = [1_767_600_001, 1_777_777_777].map((stamp) => new Uint8Array(portrait(stamp)));

describe("whether another picture is behind a link", () => {
  let answer: (headers: Headers) => Response;
  const host = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: ({ headers }) => answer(headers) });
  const link = `${host.url.origin}/kib/-1767600001.png`;
  const allowedHosts = ["127.0.0.1"];
  const photos = createPhotos({ allowedHosts, maxBytes: 1e6, timeoutMs: 5000, concurrency: 4 });
  const { signal } = new AbortController();
  afterAll(() => {
    photos[Symbol.dispose]();
    return host.stop(true);
  });

  /** What is remembered of the picture that this answer holds. */
  async function sourceOf(given: typeof answer): Promise<PhotoSource> {
    answer = given;
    const { promise, resolve } = Promise.withResolvers<PhotoSource>();
    await photos.for(signal, { fetched: (_, source) => resolve(source) }).fetch(link);
    return await promise;
  }
  const with304 =
    (name: string, header: string, value: string, body = former) =>
    (asked: Headers) =>
      asked.get(header) === value
        ? new Response(null, { status: 304 })
        : new Response(body, { headers: { [name]: value } });

  test.each([
    ["an ETag", "etag", "if-none-match", '"first"', '"second"'],
    [
      "a time of change",
      "last-modified",
      "if-modified-since",
      "Mon, 05 Jan 2026 01:02:03 GMT",
      "Tue, 06 Jan 2026 01:02:03 GMT",
    ],
  ])("is told by %s, and the same picture is not sent", async (_, name, header, first, second) => {
    const known = await sourceOf(with304(name, header, first));
    expect(await photos.look(link, known, signal)).toEqual({ state: "same", source: known, bytes: 0 });
    answer = with304(name, header, second, present);
    expect(await photos.look(link, known, signal)).toMatchObject({ state: "other", bytes: present?.byteLength });
    // Stored anew, and the same: from now on its new mark is asked for.
    answer = with304(name, header, second);
    const look = await photos.look(link, known, signal);
    expect(look).toMatchObject({ state: "same", bytes: former?.byteLength, source: { mark: known.mark } });
    expect(await photos.look(link, "source" in look ? look.source : known, signal)).toMatchObject({ bytes: 0 });
  });

  test("is told by the picture itself where the host says nothing of it", async () => {
    const known = await sourceOf(() => new Response(former));
    expect(Object.keys(known)).toEqual(["mark"]);
    expect(await photos.look(link, known, signal)).toMatchObject({ state: "same", source: known });
    answer = () => new Response(present);
    expect(await photos.look(link, known, signal)).toMatchObject({ state: "other" });
  });

  test.each([
    [403, "unknown"],
    [404, "unknown"],
    [500, "unknown"],
    [304, "unknown"],
    [429, "away"],
    [503, "away"],
  ])("is not told by the status %p", async (status, state) => {
    const known = await sourceOf(() => new Response(former));
    answer = () => new Response(null, { status });
    expect(await photos.look(link, known, signal)).toEqual({ state } as never);
  });

  test("is not told by a page, nor by a host that does not answer", async () => {
    const known = await sourceOf(() => new Response(former));
    answer = () => new Response("<!doctype html><h1>Sign in</h1>");
    expect(await photos.look(link, known, signal)).toEqual({ state: "unknown" });
    expect(await photos.look("http://127.0.0.1:1/kib/-1767600001.png", known, signal)).toEqual({ state: "away" });
  });
});

describe("the nightly comparison", () => {
  const people = 6;
  let site: InProcessSite;
  beforeAll(async () => {
    site = await startSite({ people, env: { HIKCENTRAL_VALID_FROM: "2026-01-01" } });
    await site.induct();
  });
  afterAll(() => site[Symbol.asyncDispose]());
  afterEach(() => site.eposh.faults.set());

  type Employee = { kib_number: string; photo: { link: string } };
  const employees = () => [...site.eposh.days.values()].flat() as unknown as Employee[];
  const remembered = () => site.daemon.ledger.rows<{ person: string; at: string }>("select * from sources");

  /** A night; resolves with the runs that it asked for, and with what the photo host was asked. */
  async function night(limits: Partial<LookLimits> = {}, startRun: (fix: object) => Promise<unknown> = async () => {}) {
    const { config } = readConfig({ env: site.env, defaultFile: "/nonexistent" });
    const { clients, ledger } = site.daemon;
    const { photos, notModified } = site.eposh;
    const before = { sent: { ...photos }, unchanged: { ...notModified } };
    const more = (now: Record<string, number>, then: Record<string, number>) =>
      Object.keys(now).filter((path) => now[path] !== then[path]);
    const runs: object[] = [];
    const log = { info: () => {}, warn: () => {} };
    const start = (fix: object) => {
      runs.push(fix);
      return startRun(fix);
    };
    const lookLimits = { photos: 100, bytes: 1e9, ms: 60_000, ...limits };
    const now = () => new Date("2026-01-19T19:00:00Z");
    using nightly = new NightlyComparison({ clients, config, ledger, log, now, startRun: start, lookLimits });
    await nightly.run();
    return { runs, sent: more(photos, before.sent), unchanged: more(notModified, before.unchanged) };
  }

  test("asks for all photos in a few nights, those first that were asked longest ago", async () => {
    const asked = new Set<string>();
    for (const _ of [1, 2, 3]) {
      const { runs, sent, unchanged } = await night({ photos: 2 });
      expect({ runs, sent, unchanged: unchanged.length }).toEqual({ runs: [], sent: [], unchanged: 2 });
      for (const path of unchanged) asked.add(path);
    }
    expect(asked.size).toBe(people);
  });

  test("asks by the link of the newest record, whose signature is another one each time", async () => {
    for (const [at, { photo }] of employees().entries()) photo.link = `${photo.link.split("?")[0]}?signature=${at}`;
    const { runs, sent, unchanged } = await night();
    expect({ runs, sent }).toEqual({ runs: [], sent: [] });
    expect(unchanged.toSorted()).toEqual(
      employees()
        .map(({ photo }) => photo.link.slice(site.eposh.origin.length))
        .sort(),
    );
  });

  test("takes no answer of a link that has expired for another picture, and asks all others", async () => {
    site.eposh.faults.set({ kind: "answer", status: 403, match: "signature=2" });
    const { runs, unchanged } = await night();
    expect({ runs, unchanged: unchanged.length }).toEqual({ runs: [], unchanged: people - 1 });
  });

  test("asks also for a photo of which an earlier version remembers the picture alone", async () => {
    const { pictures } = site.eposh;
    const [one] = employees();
    const path = new URL(one?.photo.link ?? "").pathname;
    const before = pictures.get(path);
    site.daemon.ledger.rows("delete from sources");
    pictures.set(path, present as Uint8Array<ArrayBuffer>);
    const { runs, sent } = await night();
    expect(runs).toMatchObject([{ kib: [one?.kib_number], refresh_faces: true }]);
    expect(sent).toHaveLength(people);
    if (before) pictures.set(path, before);
    else pictures.delete(path);
    const next = await night();
    expect({ ...next, unchanged: next.unchanged.length }).toMatchObject({ runs: [], unchanged: people - 1 });
  });

  test.each([
    ["answers 503", { kind: "answer", status: 503 }],
    ["answers 429", { kind: "answer", status: 429 }],
    ["cuts the connection", { kind: "reset" }],
  ] as const)("asks no further of a photo host that %s, and everything the next night", async (_, fault) => {
    site.eposh.faults.set({ ...fault, name: "away", match: "/photos/" });
    const before = site.eposh.faults.seen.away ?? 0;
    const { runs, sent, unchanged } = await night();
    expect({ runs, sent, unchanged }).toEqual({ runs: [], sent: [], unchanged: [] });
    expect((site.eposh.faults.seen.away ?? 0) - before).toBeWithin(1, 5);
    site.eposh.faults.set();
    expect((await night()).unchanged).toHaveLength(people);
  });

  test("has a replaced picture fetched and sent once, and nothing of the others", async () => {
    const [one] = employees();
    site.eposh.pictures.set(new URL(one?.photo.link ?? "").pathname, present as Uint8Array<ArrayBuffer>);
    site.deeds();
    const before = remembered();
    const verified = await site.cli("verify");
    expect(verified).toMatchObject({
      exit: 1,
      out: expect.stringContaining("another picture is behind the photo link"),
    });
    expect(remembered()).toEqual(before);
    const { runs } = await night({}, (fix) => site.induct(fix));
    expect(runs).toMatchObject([{ kib: [one?.kib_number], refresh_faces: true }]);
    // Once by verify, by the night and by the stage.
    expect(site.deeds()).toMatchObject({ photo: 3, "face/update": 1 });
    expect(await night()).toMatchObject({ runs: [], sent: [] });
  });
});
