import { describe, expect, test } from "bun:test";
import { setTimeout as sleep } from "node:timers/promises";
import { GroupMembers } from "../../src/hikcentral/sharing/group-members.ts";
import { heapBytes } from "../support/heap.ts";
import { type Answer, type Body, clientOf, failureOf, gateway, listing, newPerson, success } from "./gateway.ts";

const add = "privilege/group/single/addPersons";
const members = "privilege/group/single/personList";
const apply = "auth/reapplication";
const idsOf = (body: Body) => (body.list as { id: string }[]).map(({ id }) => id);
const people = (count: number) => Array.from({ length: count }, (_, index) => String(index + 1));

test("people added at the same time go in calls of at most twenty, each group on its own", async () => {
  const { url, bodies } = gateway({ [add]: () => success("") });
  const { hikcentral } = clientOf(url, { regionals: {} });
  await Promise.all([
    ...people(45).map((id) => hikcentral.addToGroup("1", id)),
    ...people(3).map((id) => hikcentral.addToGroup("2", id)),
  ]);
  const sizes = bodies(add).map((body) => `${body.privilegeGroupId}:${idsOf(body).length}`);
  expect(sizes.sort()).toEqual(["1:20", "1:20", "1:5", "2:3"]);
  expect(bodies(add)[0]).toMatchObject({ type: 1 });
});

test.each([
  ["128", { kind: "reject", code: "not_found" }],
  ["5", { kind: "unavailable", code: "hikcentral_service_exception" }],
])("one whom HikCentral refuses with code %s harms nobody who was gathered with him", async (code, reason) => {
  const { url, bodies } = gateway({
    [add]: (body) => (idsOf(body).includes("3") ? { code, msg: "no such person" } : success("")),
  });
  const { hikcentral } = clientOf(url);
  const answers = await Promise.allSettled(people(5).map((id) => hikcentral.addToGroup("1", id)));
  expect(answers.map(({ status }) => status)).toEqual(["fulfilled", "fulfilled", "rejected", "fulfilled", "fulfilled"]);
  expect(answers[2]).toMatchObject({ reason });
  expect(bodies(add).map((body) => idsOf(body).length)).toEqual([5, 1, 1, 1, 1, 1]);
});

test.each<[string, Answer]>([
  ["a wrong key", () => ({ code: "64" })],
  ["a proxy's page", () => new Response("<html>", { status: 502 })],
  ["a licence", () => ({ code: "132" })],
  ["a busy server", () => ({ code: "3" })],
])("%s is everybody's answer and is not asked for one by one", async (_, answer) => {
  const { url, bodies } = gateway({ [add]: answer });
  const { hikcentral } = clientOf(url);
  const answers = await Promise.allSettled(people(4).map((id) => hikcentral.addToGroup("1", id)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set(["rejected"]));
  expect(bodies(add)).toHaveLength(1);
});

test("one alone who is refused is not sent twice", async () => {
  const { url, bodies } = gateway({ [add]: () => ({ code: "2", msg: "id parameter error" }) });
  expect(await failureOf(clientOf(url).hikcentral.addToGroup("1", "1"))).toMatchObject({
    code: "incorrect_parameter",
  });
  expect(bodies(add)).toHaveLength(1);
});

test("a member already is a success, and hides nobody who is not", async () => {
  const added = new Set(["2"]);
  const { url } = gateway({
    [add](body) {
      if (idsOf(body).some((id) => added.has(id))) return { code: "131", msg: "already exists" };
      for (const id of idsOf(body)) added.add(id);
      return success("");
    },
  });
  const { hikcentral } = clientOf(url);
  await Promise.all(people(3).map((id) => hikcentral.addToGroup("1", id)));
  expect([...added].sort()).toEqual(["1", "2", "3"]);
});

test("whoever leaves a gathering is not sent, and the others are", async () => {
  const { url, bodies } = gateway({ [add]: () => success("") });
  const { client, hikcentral } = clientOf(url);
  await hikcentral.addToGroup("1", "0");
  const stop = new AbortController();
  const leaving = failureOf(client.for(stop.signal).addToGroup("1", "1"));
  const staying = hikcentral.addToGroup("1", "2");
  await Promise.resolve();
  stop.abort(new Error("stopped"));
  expect((await leaving).message).toBe("stopped");
  await staying;
  expect(bodies(add).map(idsOf)).toEqual([["0"], ["2"]]);
});

test("a call that nobody waits for any more is ended", async () => {
  const arrived = Promise.withResolvers<void>();
  const { url } = gateway({
    [add](_, times) {
      arrived.resolve();
      return times === 1 ? new Promise(() => {}) : success("");
    },
  });
  const { client } = clientOf(url, { concurrency: 1 });
  const stop = new AbortController();
  const leaving = failureOf(client.for(stop.signal).addToGroup("1", "1"));
  await arrived.promise;
  stop.abort(new Error("stopped"));
  await leaving;
  await client.for(new AbortController().signal).addToGroup("1", "2");
});

test("a group's members are read once a minute, whoever asks, and what we add counts at once", async () => {
  let nowMs = 0;
  const { url, bodies } = gateway({ [members]: () => listing([{ id: "1" }]), [add]: () => success("") });
  const { hikcentral } = clientOf(url, { now: () => nowMs });
  const asked = await Promise.all(people(3).map((id) => hikcentral.inGroup("1", id)));
  expect(asked).toEqual([true, false, false]);
  await hikcentral.addToGroup("1", "2");
  expect(await hikcentral.inGroup("1", "2")).toBe(true);
  expect(bodies(members)).toHaveLength(1);
  nowMs = 60_000;
  expect(await hikcentral.inGroup("1", "2")).toBe(false);
  expect(bodies(members)).toHaveLength(2);
});

describe("whoever was just added is in no group", () => {
  const site = (answers: Record<string, Answer> = {}) => {
    const clock = { minutes: 0 };
    const { url, bodies } = gateway({
      "person/single/add": () => success("1"),
      [members]: () => listing([{ id: "1" }]),
      [add]: () => success(""),
      ...answers,
    });
    const { hikcentral } = clientOf(url, { regionals: {}, now: () => clock.minutes * 60_000 });
    const isIn = (group: string, options = { mayBeNew: true }) => hikcentral.inGroup(group, "1", options);
    return { hikcentral, clock, isIn, bodies, lists: () => bodies(members).length };
  };

  test("for the stage that grants, the first time that it asks about each group", async () => {
    const { hikcentral, clock, isIn, lists } = site();
    await hikcentral.addPerson(newPerson);
    clock.minutes = 9;
    expect(await Promise.all(["1", "2"].map((group) => isIn(group)))).toEqual([false, false]);
    expect(lists()).toBe(0);
    expect(await Promise.all(["1", "2"].map((group) => isIn(group)))).toEqual([true, true]);
    expect(lists()).toBe(2);
    clock.minutes = 10;
    expect(await isIn("3")).toBe(true);
  });

  test("for ten minutes", async () => {
    const { hikcentral, clock, isIn, lists } = site();
    await hikcentral.addPerson(newPerson);
    clock.minutes = 10;
    expect([await isIn("1"), lists()]).toEqual([true, 1]);
  });

  test.each([{ mayBeNew: false }, { mayBeNew: true, isSure: true }])("not for others who ask: %o", async (options) => {
    const { hikcentral, isIn } = site();
    await hikcentral.addPerson(newPerson);
    expect(await isIn("1", options)).toBe(true);
    expect(await isIn("2")).toBe(false);
  });

  test("and then in those that were granted, whatever a list shows that lags behind", async () => {
    const { hikcentral, isIn } = site({ [members]: () => listing([]) });
    await hikcentral.addPerson(newPerson);
    expect(await isIn("1")).toBe(false);
    await hikcentral.addToGroup("1", "1");
    expect(await hikcentral.inGroup("1", "1", { isSure: true })).toBe(true);
  });

  test("also where a restored HikCentral gives the number again", async () => {
    const { hikcentral, clock, isIn } = site();
    await hikcentral.addPerson({ ...newPerson, personCode: "A1" });
    expect([await isIn("1"), await isIn("1")]).toEqual([false, true]);
    clock.minutes = 0.1;
    await hikcentral.addPerson({ ...newPerson, personCode: "A2" });
    expect([await isIn("1"), await isIn("1")]).toEqual([false, false]);
  });

  test("unless HikCentral had one in it already", async () => {
    const { hikcentral, isIn, lists } = site({ [add]: () => ({ code: "131" }) });
    await hikcentral.addToGroup("1", "7");
    await hikcentral.addPerson(newPerson);
    expect([await isIn("1"), await isIn("2"), lists()]).toEqual([true, false, 1]);
  });
});

test("where the partner may not read members nobody is one, and it is said once", async () => {
  let nowMs = 0;
  const { url } = gateway({ [members]: () => ({ code: "0x02401007", msg: "not permitted" }) });
  const { hikcentral, log } = clientOf(url, { now: () => nowMs });
  expect(await hikcentral.inGroup("1", "1")).toBeUndefined();
  nowMs = 60_000;
  expect(await hikcentral.inGroup("1", "1")).toBeUndefined();
  expect(log.filter((line) => line.startsWith("warn"))).toHaveLength(1);
});

test("a reading of members that failed is told and tried again", async () => {
  const { url } = gateway({
    [members]: (_, times) => (times === 1 ? { code: "3" } : listing([{ id: "1" }])),
  });
  const { hikcentral } = clientOf(url);
  expect(await failureOf(hikcentral.inGroup("1", "1"))).toMatchObject({ code: "hikcentral_busy" });
  expect(await hikcentral.inGroup("1", "1")).toBe(true);
});

test("who is missing in one list of members is surely none once a second one agrees, which is read once for all", async () => {
  const { url, bodies } = gateway({
    [members]: (_, times) => listing((times === 1 ? ["1"] : ["1", "2"]).map((id) => ({ id }))),
  });
  const { hikcentral } = clientOf(url);
  expect(await hikcentral.inGroup("1", "2")).toBe(false);
  const sure = ["1", "2", "3"].map((id) => hikcentral.inGroup("1", id, { isSure: true }));
  expect(await Promise.all(sure)).toEqual([true, true, false]);
  expect(bodies(members)).toHaveLength(2);
});

test("a second list of members that failed is told and tried again", async () => {
  const { url } = gateway({ [members]: (_, times) => (times === 2 ? { code: "3" } : listing([])) });
  const { hikcentral } = clientOf(url);
  const sure = () => hikcentral.inGroup("1", "1", { isSure: true });
  expect(await failureOf(sure())).toMatchObject({ code: "hikcentral_busy" });
  expect(await sure()).toBe(false);
});

test("access is applied for a hundred people in one call, and for nobody else", async () => {
  const { url, bodies } = gateway({ [apply]: () => success("") });
  const { hikcentral } = clientOf(url);
  await Promise.all(people(100).map((id) => hikcentral.applyAccess(id)));
  expect(bodies(apply)).toEqual([{ ImmediateDownload: 0, personIds: people(100).join(",") }]);
});

describe("while all permits are in use", () => {
  const info = "person/personCode/personInfo";
  /** Calls that go on one at a time, each as `pass` lets it. */
  function busy(pass: () => Promise<unknown>) {
    const slow = async () => {
      await pass();
      return success("");
    };
    const { url, bodies } = gateway({ [add]: () => success(""), [info]: slow });
    const { client, hikcentral } = clientOf(url, { concurrency: 1 });
    const reads = async (count: number) => {
      await Promise.all(
        people(count).map((code) => client.for(new AbortController().signal, { rank: 2 }).personByCode(code)),
      );
    };
    return { hikcentral, bodies, reads };
  }

  test("grants gather, and one call takes them all as soon as nobody else waits", async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const { hikcentral, bodies, reads } = busy(() => asked);
    // The set-up is read before the first write.
    await hikcentral.addToGroup("1", "0");
    const reading = reads(4);
    const granted: Promise<void>[] = [];
    for (const id of people(15)) {
      granted.push(hikcentral.addToGroup("1", id));
      await sleep(5);
    }
    resolve();
    await Promise.all([reading, ...granted]);
    expect(bodies(add).map((body) => idsOf(body).length)).toEqual([1, 15]);
  });

  test("a grant that has waited for a second goes before calls of younger messages", async () => {
    const { hikcentral, bodies, reads } = busy(() => sleep(50));
    await hikcentral.addToGroup("1", "0");
    const reading = reads(60);
    const startedAt = performance.now();
    await hikcentral.addToGroup("1", "1");
    expect(performance.now() - startedAt).toBeGreaterThan(900);
    expect(bodies(info).length).toBeLessThan(40);
    await reading;
  });
});

test("of tens of thousands of members each takes some bytes", async () => {
  const count = 100_000;
  const members = new GroupMembers({
    now: Date.now,
    read: async (_, ids) => {
      for (const id of people(count)) ids.add(id);
      return true;
    },
  });
  const isIn = (personId: string) => members.isIn("1", personId, (work) => work, {});
  const before = heapBytes();
  expect(await isIn("1")).toBe(true);
  expect((heapBytes() - before) / count).toBeLessThan(30);
  expect([await isIn(String(count)), await isIn(String(count + 1))]).toEqual([true, false]);
  members.newcomer("1");
  for (let times = 0; times < 2; times++) expect(await isIn("1")).toBe(false);
});
