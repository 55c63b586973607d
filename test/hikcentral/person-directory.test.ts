import { expect, test } from "bun:test";
import { RecentPersons } from "../../src/hikcentral/sharing/recent-persons.ts";
import { heapBytes } from "../support/heap.ts";
import { until } from "../support/until.ts";
import { type Answer, type Body, clientOf, gateway, newPerson, success } from "./gateway.ts";

const info = "person/personCode/personInfo";
const list = "person/personList";

const codeOf = (number: number) => `35000000000${String(number).padStart(5, "0")}`;
const personOf = (number: number, more: Body = {}) => ({
  personId: String(number),
  personCode: codeOf(number),
  personGivenName: "Budi",
  personFamilyName: "Contoh",
  personPhoto: { picUri: "/picture" },
  ...more,
});

const listedPerson = (number: number) => ({
  personId: String(number),
  personCode: codeOf(number),
  givenName: "Budi",
  familyName: `Contoh ${number}`,
  remark: `induction 2026-01-31, photo ${Bun.hash(String(number)).toString(36)}`,
  validFrom: "2026-01-31T00:00:00+07:00",
  validUntil: "2036-01-31T00:00:00+07:00",
  hasFace: true,
  pictureAddress: `/picture/${number}`,
  customFields: [{ id: "1", name: "KIB", type: 0, value: String(2_600_000 + number) }],
});

function noteListOf(count: number, recent: RecentPersons, options = {}): void {
  recent.beginList(options);
  for (let from = 0; from < count; from += 500)
    recent.noteListed(
      Array.from({ length: 500 }, (_, at) => listedPerson(from + at)),
      Date.now(),
    );
}

const start = new Date(0);

/** A HikCentral with so many persons in the order of their numbers; `total` where its list says another number. */
function site({
  count = 3,
  total = count,
  answers = {},
}: {
  count?: number;
  total?: number;
  answers?: Record<string, Answer>;
}) {
  const persons = Array.from({ length: count }, (_, number) => personOf(number));
  const minute = { now: 0 };
  const { url, bodies } = gateway({
    [list]: ({ pageNo, pageSize }) => {
      const start = (Number(pageNo) - 1) * Number(pageSize);
      return success({ total, pageNo, pageSize, list: persons.slice(start, start + Number(pageSize)) });
    },
    [info]: ({ personCode }) => success(persons.find((one) => one.personCode === personCode)),
    "person/personId/customFieldsUpdate": () => success(""),
    ...answers,
  });
  const { hikcentral, log } = clientOf(url, { now: () => minute.now * 60_000 });
  const calls = () => ({ info: bodies(info).length, list: bodies(list).length });
  /** As a run of many does it. */
  const listed = async () => {
    for (let times = 0; times < 10; times++) hikcentral.glance("nobody", start);
    await until(() => hikcentral.glance("nobody", start), { what: "the list" });
  };
  return { hikcentral, persons, minute, calls, listed, log };
}

test("for a few people no list is read", async () => {
  const { hikcentral, calls } = site({});
  for (let number = 0; number < 9; number++) expect(await hikcentral.glance(codeOf(number), start)).toBeUndefined();
  await hikcentral.personByCode(codeOf(0));
  expect(calls()).toEqual({ info: 1, list: 0 });
});

test("for many one list answers, for a minute", async () => {
  const { hikcentral, minute, calls, listed } = site({});
  await listed();
  expect((await hikcentral.glance(codeOf(2), start))?.person).toMatchObject({ personId: "2", hasFace: true });
  expect(await hikcentral.glance(codeOf(9), start)).toEqual({ person: undefined });
  expect(calls()).toEqual({ info: 0, list: 1 });
  minute.now = 1;
  expect(await hikcentral.glance(codeOf(2), start)).toBeUndefined();
  expect(await hikcentral.glance(codeOf(9), start)).toBeUndefined();
});

test.each<[string, (pageNo: number) => [from: number, to: number]]>([
  ["with a page twice", (pageNo) => (pageNo === 1 ? [0, 500] : [0, 100])],
  ["with a short page", (pageNo) => (pageNo === 1 ? [0, 400] : [500, 600])],
])("a list %s is not whole: nobody is taken for missing because of it", async (_, shown) => {
  const { hikcentral, persons, calls } = site({
    count: 600,
    answers: {
      [list]: ({ pageNo }) =>
        success({ total: 600, list: Number(pageNo) > 2 ? [] : persons.slice(...shown(Number(pageNo))) }),
    },
  });
  for (let times = 0; times < 10; times++) hikcentral.glance("nobody", start);
  await until(() => calls().list > 1);
  await hikcentral.personByCode(codeOf(0));
  expect(await hikcentral.glance(codeOf(550), start)).toBeUndefined();
  expect(await hikcentral.glance("nobody", start)).toBeUndefined();
});

test("each of many is found as the list shows them", async () => {
  const { hikcentral, persons, calls, listed } = site({ count: 1_234 });
  await listed();
  for (const { personCode, personId } of persons)
    expect((await hikcentral.glance(personCode, start))?.person?.personId).toBe(personId);
  expect(await hikcentral.glance(codeOf(1_234), start)).toEqual({ person: undefined });
  expect(calls()).toEqual({ info: 0, list: 3 });
});

test("of tens of thousands each takes some hundred bytes", () => {
  const recent = new RecentPersons(Date.now);
  const count = 20_000;
  const before = heapBytes();
  noteListOf(count, recent);
  expect((heapBytes() - before) / count).toBeLessThan(300);
  expect(recent.glance(codeOf(count - 1))?.personId).toBe(String(count - 1));
});

test("who stands beyond those whom there is memory for is read singly, and no list is read for it", async () => {
  const { hikcentral, calls } = site({ count: 30_500 });
  for (let times = 0; times < 100; times++) hikcentral.glance("nobody", start);
  await until(() => hikcentral.glance("nobody", start), { what: "the list" });
  expect((await hikcentral.glance(codeOf(0), start))?.person).toBeDefined();
  const { list } = calls();
  for (let times = 0; times < 200; times++) expect(await hikcentral.glance(codeOf(30_499), start)).toBeUndefined();
  expect(calls().list).toBe(list);
});

test("a brief list only knows who is there, in a tenth of the memory", () => {
  const recent = new RecentPersons(Date.now);
  const count = 20_000;
  noteListOf(count, recent);
  recent.endList();
  const before = heapBytes();
  noteListOf(count, recent, { isBrief: true });
  recent.endList();
  expect([recent.glance(codeOf(1)), recent.has(codeOf(1)), recent.has(codeOf(count))]).toEqual([
    undefined,
    true,
    false,
  ]);
  expect(heapBytes() - before).toBeLessThan(0);
});

test.each([
  [9, false],
  [10, true],
])(
  "where %i of those whom a list shows were asked for, whether the next one shows them is %p",
  async (asked, isShown) => {
    const { hikcentral, minute, calls, listed } = site({ count: 600 });
    await listed();
    for (let times = 0; times < asked; times++) expect(await hikcentral.glance(codeOf(times), start)).toBeDefined();
    minute.now = 0.8;
    for (let times = 0; times < 10; times++) hikcentral.glance("nobody", start);
    await until(() => calls().list === 4, { what: "the next list" });
    await hikcentral.personByCode(codeOf(599));
    minute.now = 1.1;
    expect((await hikcentral.glance(codeOf(2), start)) !== undefined).toBe(isShown);
  },
);

test("where a list that only knows who is there is asked for them, the next one shows them", async () => {
  const { hikcentral, minute, calls, listed } = site({ count: 600 });
  await listed();
  minute.now = 0.8;
  for (let times = 0; times < 20; times++) hikcentral.glance("nobody", start);
  await until(() => calls().list === 4, { what: "the next list" });
  expect(await hikcentral.glance(codeOf(2), start)).toBeUndefined();
  for (let times = 0; times < 10; times++) hikcentral.glance(codeOf(2), start);
  await until(() => calls().list === 6, { what: "the list after that" });
  await until(() => hikcentral.glance(codeOf(2), start), { what: "the person" });
  expect(calls().info).toBe(0);
});

test("of a list that does not come to its end the one before is kept", async () => {
  let isCut = false;
  const { hikcentral, persons, minute, calls, listed } = site({
    count: 600,
    answers: {
      [list]: ({ pageNo }) =>
        isCut && pageNo === 2
          ? { code: "64" }
          : success({ total: 600, list: persons.slice((Number(pageNo) - 1) * 500, Number(pageNo) * 500) }),
    },
  });
  await listed();
  isCut = true;
  minute.now = 0.8;
  for (let times = 0; times < 20; times++) hikcentral.glance(codeOf(times), start);
  await until(() => calls().list === 4, { what: "the next list" });
  await hikcentral.personByCode(codeOf(599));
  expect((await hikcentral.glance(codeOf(2), start))?.person?.personId).toBe("2");
});

test("a run that begins after the list was asked for learns nothing from it", async () => {
  const { hikcentral, listed } = site({});
  await listed();
  const later = new Date(1);
  expect(await hikcentral.glance(codeOf(2), later)).toBeUndefined();
  expect(await hikcentral.glance(codeOf(9), later)).toBeUndefined();
});

test("a list of more calls than were asked for singly ends after its first page", async () => {
  const { hikcentral, calls } = site({ total: 20_000 });
  for (let times = 0; times < 38; times++) hikcentral.glance(codeOf(0), start);
  await until(() => calls().list === 1);
  await hikcentral.personByCode(codeOf(0));
  expect(await hikcentral.glance(codeOf(9), start)).toBeUndefined();
  expect(calls().list).toBe(1);
});

test("a list that takes too long is not read to its end", async () => {
  const { hikcentral, persons, minute, calls } = site({
    count: 1_500,
    answers: {
      [list]: ({ pageNo }) => {
        minute.now += 0.4;
        return success({ total: 1_500, list: persons.slice((Number(pageNo) - 1) * 500, Number(pageNo) * 500) });
      },
    },
  });
  for (let times = 0; times < 10; times++) hikcentral.glance(codeOf(0), start);
  await until(() => calls().list === 2);
  for (let times = 0; times < 100; times++) expect(await hikcentral.glance(codeOf(9), start)).toBeUndefined();
  expect(calls().list).toBe(2);
});

test("of more persons than there is memory for the list still shows who is missing", () => {
  const recent = new RecentPersons(Date.now);
  const count = 100_000;
  const before = heapBytes();
  noteListOf(count, recent);
  expect(heapBytes() - before).toBeLessThan(10_000_000);
  expect(recent.glance(codeOf(1))?.personId).toBe("1");
  const others = Array.from({ length: 1_000 }, (_, number) => codeOf(count + number));
  expect(recent.has(codeOf(count - 1))).toBe(true);
  expect(others.filter((code) => recent.has(code)).length).toBe(0);
});

test.each(["12", "69", "130"])("a partner who may not read the list (%s) is asked once", async (code) => {
  const { hikcentral, calls, log } = site({ answers: { [list]: () => ({ code }) } });
  for (let times = 0; times < 10; times++) hikcentral.glance(codeOf(0), start);
  await until(() => log.some((line) => line.includes("may not read the list of persons")));
  for (let times = 0; times < 20; times++) expect(await hikcentral.glance(codeOf(0), start)).toBeUndefined();
  expect(calls().list).toBe(1);
});

test("what a list shows to be wrong is read singly", async () => {
  const { hikcentral, calls, listed } = site({});
  await listed();
  await hikcentral.recentPerson(codeOf(1), ({ personId }) => personId === "1");
  expect(calls().info).toBe(0);
  await hikcentral.recentPerson(codeOf(1), ({ personId }) => personId === "7");
  expect(calls().info).toBe(1);
});

test("a list that was asked for before a write does not show the person as before", async () => {
  const asked = Promise.withResolvers<void>();
  const { hikcentral, calls, persons } = site({
    answers: {
      async [list]() {
        await asked.promise;
        return success({ total: 3, list: persons });
      },
    },
  });
  for (let times = 0; times < 10; times++) hikcentral.glance("nobody", start);
  await until(() => calls().list === 1);
  await hikcentral.setKib("1", "2600001");
  asked.resolve();
  await until(() => hikcentral.glance("nobody", start), { what: "the list" });
  expect((await hikcentral.glance(codeOf(0), start))?.person).toBeDefined();
  expect((await hikcentral.glance(codeOf(1), start))?.person).toBeUndefined();
});

test("a list that is read while a write is under way, however long, does not show the person", async () => {
  const written = Promise.withResolvers<void>();
  const { hikcentral, minute, listed } = site({
    answers: {
      async "person/personId/customFieldsUpdate"() {
        await written.promise;
        return success("");
      },
    },
  });
  const writes = [hikcentral.setKib("1", "2600001"), hikcentral.setKib("1", "2600001")];
  minute.now = 3;
  await listed();
  expect((await hikcentral.glance(codeOf(0), start))?.person).toBeDefined();
  expect(await hikcentral.glance(codeOf(1), start)).toBeUndefined();
  written.resolve();
  await Promise.all(writes);
  expect(await hikcentral.glance(codeOf(1), start)).toBeUndefined();
});

test("a write makes what a list showed of the person unknown", async () => {
  const { hikcentral, listed } = site({});
  await listed();
  await hikcentral.setKib("1", "2600001");
  expect((await hikcentral.glance(codeOf(1), start))?.person).toBeUndefined();
});

test("faces of many new persons are verified with one page at the end of the list", async () => {
  const { hikcentral, persons, calls, listed } = site({ count: 120 });
  await listed();
  const before = calls();
  for (let number = 120; number < 128; number++)
    persons.push(personOf(number, { personPhoto: { picUri: number === 125 ? "" : "/picture" } }));
  const stored = await Promise.all(persons.slice(120).map(({ personCode }) => hikcentral.hasFace(personCode)));
  expect(stored.indexOf(false)).toBe(5);
  expect(stored.lastIndexOf(false)).toBe(5);
  expect(calls().info).toBe(before.info);
  expect(calls().list).toBeLessThanOrEqual(before.list + 2);
});

test("where new persons do not stand at the end of the list their faces are verified singly", async () => {
  const { hikcentral, persons, calls, listed } = site({ count: 400 });
  await listed();
  const codes = persons.slice(0, 8).map(({ personCode }) => personCode);
  for (let times = 0; times < 3; times++)
    expect(await Promise.all(codes.map((code) => hikcentral.hasFace(code)))).not.toContain(false);
  expect(calls().list).toBeLessThanOrEqual(5);
});

test("the face of somebody who comes alone is verified singly", async () => {
  const { hikcentral, calls } = site({ answers: { "person/single/add": () => success("1") } });
  await hikcentral.addPerson({ ...newPerson, personCode: codeOf(1) });
  expect(await hikcentral.hasFace(codeOf(1))).toBe(true);
  expect(calls()).toEqual({ info: 1, list: 0 });
});
