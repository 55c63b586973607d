import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Delivery } from "../../src/broker/broker.ts";
import {
  appendFailure,
  decodeHeaders,
  encodeHeaders,
  itemId,
  peopleOfPage,
  personOf,
} from "../../src/pipeline/envelope.ts";
import { parseJson } from "../../src/util/exact-json.ts";

const now = new Date("2026-01-05T03:00:00Z");
const employee = { name: "Budi Contoh Santoso", identity_number: "3500000000000001", kib_number: "2600001" };

function delivery(headers: Record<string, unknown>, body: unknown = {}): Delivery {
  return {
    queue: "q",
    body: Buffer.from(JSON.stringify(body)),
    headers,
    redelivered: false,
    returns: 0,
    revoked: new AbortController().signal,
    takenAt: 0,
    isOpen: true,
    ack() {},
    requeue() {},
  };
}

test("what is written is read back", () => {
  const mishap = { at: now.toISOString(), stage: "update-kib", code: "busy", text: "HikCentral is busy" };
  const meta = decodeHeaders(
    delivery({
      ...encodeHeaders({
        id: "a",
        kind: "person",
        run: "r",
        kib: "2600001",
        code: "3500000000000001",
        record: "4f1d.9a",
        startedAt: now,
        fetchedAt: now,
        inducted: "2026-01-05",
        rival: '"Wati Halim" (KIB 12)',
        refreshFaces: true,
        skipUnchanged: true,
        noted: "1a2b3c4d",
        attempt: 2,
        firstSeenAt: now,
        history: [mishap],
        dueAt: now,
      }),
    }),
    {},
    new Date(),
  );
  expect(meta).toEqual({
    id: "a",
    kind: "person",
    run: "r",
    kib: "2600001",
    code: "3500000000000001",
    record: "4f1d.9a",
    startedAt: now,
    fetchedAt: now,
    inducted: "2026-01-05",
    repeat: 0,
    repeats: new Map(),
    rival: '"Wati Halim" (KIB 12)',
    rivals: new Map(),
    refreshFaces: true,
    skipUnchanged: true,
    noted: "1a2b3c4d",
    attempt: 2,
    firstSeenAt: now,
    again: true,
    history: [mishap],
    dueAt: now,
  });
});

test("a message without headers is known by its body", () => {
  const meta = decodeHeaders(delivery({}, { employee }), { employee }, now);
  expect(meta).toMatchObject({
    code: "3500000000000001",
    kib: "2600001",
    attempt: 0,
    again: false,
    run: undefined,
  });
  expect(decodeHeaders(delivery({}, { employee }), { employee }, now).id).toBe(meta.id);
});

test("whatever a stranger puts into the headers, sane values come out", () => {
  const names = fc.constantFrom(
    "hs-id",
    "hs-run",
    "hs-kib",
    "hs-code",
    "hs-fetched",
    "hs-repeat",
    "hs-attempt",
    "hs-first",
    "hs-failure",
    "hs-due",
    "hs-record",
    "hs-rival",
    "hs-rivals",
  );
  fc.assert(
    fc.property(fc.dictionary(names, fc.oneof(fc.anything(), fc.string({ maxLength: 5000 }), fc.json())), (headers) => {
      const meta = decodeHeaders(delivery(headers), {}, now);
      expect(meta.id.length).toBeGreaterThan(0);
      expect(Number.isInteger(meta.attempt) && meta.attempt >= 0 && meta.attempt <= 1000).toBe(true);
      expect(meta.firstSeenAt <= now).toBe(true);
      expect((meta.fetchedAt ?? now) <= now).toBe(true);
      expect(Number.isInteger(meta.repeat) && meta.repeat <= 9999).toBe(true);
      expect(meta.history.length).toBeLessThanOrEqual(10);
    }),
  );
});

test("a page says which of its records repeat a NIK", () => {
  const repeats = new Map([
    [3, 1],
    [17, 2],
  ]);
  const page = { id: "a", kind: "page", run: "r", kib: undefined, code: undefined, fetchedAt: now } as const;
  const headers = encodeHeaders({ ...page, inducted: "2026-01-05", repeat: 0, repeats });
  expect(decodeHeaders(delivery({ ...headers }), {}, now)).toMatchObject({ repeat: 0, repeats });
});

test("a page says which of its records have the NIK of somebody else, by name as far as there is room", () => {
  const page = { id: "a", kind: "page", run: "r", kib: undefined, code: undefined, fetchedAt: now } as const;
  const readBack = (rivals: ReadonlyMap<number, string>) => {
    const headers = encodeHeaders({ ...page, inducted: "2026-01-05", rivals });
    expect(Buffer.byteLength(String(headers["hs-rivals"]))).toBeLessThanOrEqual(300);
    return decodeHeaders(delivery({ ...headers }), {}, now).rivals;
  };
  const label = '"Wati Halim" (KIB 12)';
  const few = new Map([3, 17].map((at) => [at, label]));
  expect(readBack(few)).toEqual(few);
  const many = readBack(new Map(Array.from({ length: 100 }, (_, at) => [at, label])));
  expect(many.size).toBeGreaterThan(10);
  expect(many.get(0)).toBe("another record");
});

const aMoment = fc.date({ min: new Date(0), max: now, noInvalidDate: true });
const aText = (maxLength: number) => fc.string({ unit: "grapheme", minLength: 1, maxLength });
const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined });

test("whatever a message carries is read back as it was written", () => {
  const mishap = fc.record({ at: aText(24), stage: aText(20), code: aText(20), text: aText(40) });
  const carried = fc.record({
    id: fc.stringMatching(/^[\w/-]{1,120}$/),
    kind: fc.constantFrom("person" as const, "follow" as const, "page" as const, "task" as const),
    refreshFaces: fc.boolean(),
    skipUnchanged: fc.boolean(),
    noted: maybe(fc.stringMatching(/^\w{1,40}$/)),
    inducted: maybe(fc.constant("2026-01-05")),
    repeat: fc.nat(9999),
    repeats: fc.constant(new Map()),
    rival: maybe(fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 })),
    rivals: fc.constant(new Map()),
    run: maybe(fc.stringMatching(/^[\w-]{1,60}$/)),
    kib: maybe(fc.stringMatching(/^\w{1,40}$/)),
    code: maybe(fc.stringMatching(/^\w{1,20}$/)),
    record: fc.stringMatching(/^[0-9a-f]{24}\.[0-9a-f]{16}$/),
    startedAt: maybe(aMoment),
    fetchedAt: maybe(aMoment),
    attempt: fc.nat(1000),
    firstSeenAt: aMoment,
    history: fc.array(mishap, { maxLength: 10 }),
    dueAt: maybe(aMoment),
  });
  fc.assert(
    fc.property(carried, (meta) => {
      const { again, ...read } = decodeHeaders(delivery(encodeHeaders(meta)), {}, now);
      expect<object>(read).toEqual(meta);
      expect(again).toBe(meta.attempt > 0 || meta.history.length > 0);
    }),
  );
});

test("what goes on of a stranger's headers stays within 4 KB, with one more failure too", () => {
  const value = fc.oneof(fc.anything(), fc.string({ unit: "grapheme", maxLength: 5000 }), fc.json());
  const long = fc.constantFrom("x", "x".repeat(900), "漢".repeat(100), "漢".repeat(900));
  const mishap = fc.record({ at: long, stage: long, code: long, text: long });
  const failure = fc.array(mishap, { maxLength: 12 }).map((all) => JSON.stringify(all));
  const names = [
    "hs-id",
    "hs-run",
    "hs-kib",
    "hs-code",
    "hs-fetched",
    "hs-attempt",
    "hs-first",
    "hs-due",
    "hs-record",
    "hs-repeat",
    "hs-noted",
  ] as const;
  const headers = fc.tuple(fc.dictionary(fc.constantFrom(...names), value), maybe(failure));
  fc.assert(
    fc.property(headers, ([plain, failures]) => {
      const given = { ...plain, ...(failures && { "hs-failure": failures }) };
      const first = decodeHeaders(delivery(given), {}, now);
      const history = appendFailure(first.history, {
        at: now.toISOString(),
        stage: "s",
        code: "c",
        text: "t".repeat(900),
      });
      const sent = encodeHeaders({ ...first, history });
      expect(Buffer.byteLength(JSON.stringify(sent))).toBeLessThanOrEqual(4096);
    }),
  );
});

test.each([
  ["plain", "x"],
  ["wide", "網"],
  ["escaped", '"'],
])("the history keeps the first and the last five, within 4 KB of headers: %s text", (_, letter) => {
  const all = Array.from({ length: 30 }, (_, at) => ({
    at: now.toISOString(),
    stage: "create-person",
    code: `c${at}`,
    text: letter.repeat(900),
  }));
  const history = all.reduce<ReturnType<typeof appendFailure>>((kept, mishap) => appendFailure(kept, mishap), []);
  expect(history.map(({ code }) => code)).toEqual(["c0", "c1", "c2", "c3", "c4", "c25", "c26", "c27", "c28", "c29"]);
  const headers = encodeHeaders({
    id: "a".repeat(32),
    kind: "person",
    run: "r",
    kib: "k",
    code: "c",
    fetchedAt: now,
    inducted: "2026-01-05",
    history,
  });
  const bytes = Object.entries(headers).reduce(
    (sum, [key, value]) => sum + key.length + Buffer.byteLength(`${value}`),
    0,
  );
  expect(bytes).toBeLessThan(4096);
  expect(decodeHeaders(delivery(headers), {}, now).history).toEqual(history);
});

test("a record is one item of its run and date, however often it is fetched and however its photo's link is signed", () => {
  const link = "https://storage.googleapis.com/eposh/kib/-1767600000.png";
  const record = { ...employee, photo: { link: `${link}?signature=a` }, regionals: [{ slug: "tuks" }] };
  const id = itemId("r1", "2026-01-05", record);
  expect(itemId("r1", "2026-01-05", { ...record, photo: { link: `${link}?signature=b` } })).toBe(id);
  const others = [
    itemId("r2", "2026-01-05", record),
    itemId("r1", "2026-01-06", record),
    itemId("r1", "2026-01-05", { ...record, kib_number: "2600002" }),
    itemId("r1", "2026-01-05", { ...record, identity_number: "-" }),
  ];
  expect(new Set([id, ...others]).size).toBe(5);
  expect(id).not.toContain("3500");
});

test("the original's four messages tell whom they are about", () => {
  expect(peopleOfPage({ event: "HIKVISION_SYNC", data: { data: [employee, null, 5] } })).toHaveLength(3);
  expect(personOf({ employee })).toMatchObject({ code: "3500000000000001" });
  expect(personOf({ personId: "18945", kib_number: "2600001", employee })).toMatchObject({
    personId: "18945",
    kib: "2600001",
  });
  expect(personOf({ personId: "18945", privilege_groups: ["1"] })).toMatchObject({
    personId: "18945",
    code: undefined,
  });
  expect(personOf({ dates: [] })).toBeUndefined();
});

test("a number beyond 2^53 keeps its digits and is nobody's NIK", () => {
  const text = '{"employee":{"identity_number":9171010101900003,"x":1.5}}';
  expect(JSON.stringify(parseJson(text))).toBe(text);
  expect(personOf(parseJson(text))?.code).toBeUndefined();
});
