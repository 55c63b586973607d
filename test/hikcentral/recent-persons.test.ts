import { expect, test } from "bun:test";
import { RecentPersons } from "../../src/hikcentral/sharing/recent-persons.ts";
import { type Body, clientOf, failureOf, gateway, newPerson, success } from "./gateway.ts";

const info = "person/personCode/personInfo";
const { personCode } = newPerson;
const shown = (body: Body) => success({ ...body, personId: "7", personGivenName: "Budi", personFamilyName: "Contoh" });

function site(answers: Parameters<typeof gateway>[0] = {}) {
  const minute = { now: 0 };
  const { url, bodies } = gateway({
    [info]: shown,
    "person/single/add": () => success("7"),
    "person/single/update": () => success(""),
    "person/personId/customFieldsUpdate": () => success(""),
    ...answers,
  });
  const { hikcentral } = clientOf(url, { now: () => minute.now * 60_000 });
  return { hikcentral, minute, reads: () => bodies(info).length };
}

test("a person that was read a moment ago is known without a call, for a minute", async () => {
  const { hikcentral, minute, reads } = site();
  await hikcentral.personByCode(personCode);
  const known = await hikcentral.recentPerson(personCode);
  expect([known?.personId, known && "raw" in known, reads()]).toEqual(["7", false, 1]);
  minute.now = 1;
  expect(await hikcentral.recentPerson(personCode)).toMatchObject({ personId: "7" });
  expect(reads()).toBe(2);
});

test("a person that was just added, and its KIB that was just set, are known without a call", async () => {
  const { hikcentral, reads } = site();
  await hikcentral.addPerson(newPerson);
  await hikcentral.setKib("7", "2600001");
  const known = await hikcentral.recentPerson(personCode);
  expect(known).toMatchObject({ personId: "7", givenName: "Budi", familyName: "Contoh" });
  expect(known && hikcentral.kibOf(known)).toBe("2600001");
  expect(reads()).toBe(0);
});

test("somebody who is not there is asked for each time", async () => {
  const { hikcentral, reads } = site({ [info]: () => ({ code: "128" }) });
  for (let times = 0; times < 2; times++) expect(await hikcentral.recentPerson(personCode)).toBeUndefined();
  expect(reads()).toBe(2);
});

test.each([
  ["refused", () => ({ code: "128" })],
  ["lost", () => new Response("", { status: 500 })],
])("a write that is %s makes the person unknown", async (_, answer) => {
  const { hikcentral, reads } = site({ "person/personId/customFieldsUpdate": answer });
  await hikcentral.personByCode(personCode);
  await failureOf(hikcentral.setKib("7", "2600001"));
  await hikcentral.recentPerson(personCode);
  expect(reads()).toBe(2);
});

test("what was read while a write was under way is not believed", async () => {
  const writing = Promise.withResolvers<void>();
  const { hikcentral, reads } = site({
    async "person/personId/customFieldsUpdate"() {
      await writing.promise;
      return success("");
    },
  });
  await hikcentral.personByCode(personCode);
  const set = hikcentral.setKib("7", "2600001");
  await hikcentral.personByCode(personCode);
  writing.resolve();
  await set;
  const known = await hikcentral.recentPerson(personCode);
  expect([known && hikcentral.kibOf(known), reads()]).toEqual(["2600001", 2]);
});

test.each([
  ["ends later", true],
  ["is lost", false],
])("of two writes at once, of which the second %s, nothing older is believed", async (how, isWritten) => {
  const recent = new RecentPersons(() => 0);
  const { personCode: code } = newPerson;
  const person = { ...newPerson, personId: "7", hasFace: true, pictureAddress: "", customFields: [] };
  const field = (value: string) => ({ customFields: [{ id: "1", name: "KIB", type: 1, value }] });
  recent.note(code, person);
  const second = Promise.withResolvers<void>();
  const writes = [
    recent.writing("7", field("2600001"), async () => {}),
    recent.writing("7", field("2600002"), () => second.promise),
  ];
  await writes[0];
  recent.note(code, { ...person, ...field("2600001") });
  if (isWritten) second.resolve();
  else second.reject(new Error(how));
  await Promise.allSettled(writes);
  expect(recent.get(code)).toBeUndefined();
  recent.note(code, person);
  await recent.writing("7", field("2600003"), async () => {});
  expect(recent.get(code)?.customFields[0]?.value).toBe("2600003");
});

test("each of thousands is known as it was written last, for a minute", async () => {
  const clock = { now: 0 };
  const recent = new RecentPersons(() => clock.now);
  const { givenName, familyName, remark, validFrom, validUntil } = newPerson;
  const rest = { givenName, familyName, remark, validFrom, validUntil, hasFace: true, pictureAddress: "" };
  const codes = Array.from({ length: 2_000 }, (_, number) => `A${number}`);
  for (const [number, code] of codes.entries())
    recent.note(code, { personId: String(number), personCode: code, customFields: [], ...rest });
  const kib = { id: "1", name: "KIB", type: 1, value: "2600001" };
  for (const personId of ["7", "1999"]) await recent.writing(personId, { customFields: [kib] }, async () => {});
  for (const [number, code] of codes.entries()) {
    const customFields = number === 7 || number === 1_999 ? [kib] : [];
    expect(recent.get(code)).toMatchObject({ personId: String(number), personCode: code, customFields });
  }
  clock.now = 60_000;
  expect([recent.get("A8"), recent.has("A8")]).toEqual([undefined, true]);
  clock.now = 90_000;
  recent.note("B1", { personId: "b1", personCode: "B1", customFields: [], ...rest });
  expect([recent.has("A8"), recent.has("A7"), recent.get("B1")?.personId]).toEqual([false, false, "b1"]);
});
