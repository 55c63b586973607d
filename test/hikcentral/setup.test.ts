import { expect, test } from "bun:test";
import { clientOf, failureOf, gateway, listing, newPerson, success } from "./gateway.ts";

const fields = "person/customFields";
const groups = "privilege/group";
const write = "person/personId/customFieldsUpdate";
const add = "person/single/add";
const grant = "privilege/group/single/addPersons";
const refused = () => ({ code: "69", msg: "API not ticked" });
const kibField = (more = {}) => listing([{ id: 1, name: "KIB", type: 1, ...more }]);

test("what is missing holds back only what needs it, and each text lists what HikCentral has instead", async () => {
  const { url, bodies } = gateway({
    [fields]: () => listing([{ id: "1", customFiledName: "Blood group", customFieldType: 0 }]),
    [groups]: () => listing([{ privilegeGroupId: "1", privilegeGroupName: "Access Gate Zona 1" }]),
    [add]: () => success("7"),
    [grant]: () => success(""),
  });
  const regionals = { "zona-i": "1", "zona-ii": "2", tuks: "8" };
  const { hikcentral, log } = clientOf(url, { regionals, organisation: "1" });
  const setup = { kind: "unavailable", reason: "setup", upstream: "hikcentral", code: "kib_field_missing" };
  const field = await failureOf(hikcentral.setKib("1", "1"));
  expect(field).toMatchObject(setup);
  expect(field.message).toContain('custom field 1 is "Blood group", not "KIB" (hikcentral.kib_field_name)');
  expect(field.message).toContain('HikCentral has 1 "Blood group"');
  for (const refused of [() => hikcentral.addToGroup("8", "7"), () => hikcentral.inGroup("8", "7")]) {
    const failure = await failureOf(refused());
    expect(failure).toMatchObject({ kind: "reject", code: "privilege_group_missing" });
    expect(failure.message).toBe('no privilege group 8 (regionals.tuks); HikCentral has 1 "Access Gate Zona 1"');
  }
  expect(await hikcentral.addPerson(newPerson)).toBe("7");
  await hikcentral.addToGroup("1", "7");
  expect(bodies(write)).toEqual([]);
  const warned = log.filter((line) => line.startsWith("warn"));
  expect(warned).toHaveLength(1);
  for (const part of ["custom field 1", "privilege group 2", "privilege group 8"]) expect(warned[0]).toContain(part);
});

test("a missing organisation holds back new persons alone", async () => {
  const { url, bodies } = gateway({ [write]: () => success("") });
  const { hikcentral } = clientOf(url, { organisation: "9" });
  const failure = await failureOf(hikcentral.addPerson(newPerson));
  expect(failure).toMatchObject({ kind: "unavailable", reason: "setup", code: "organisation_missing" });
  expect(failure.message).toContain('no organisation 9 (hikcentral.organisation); HikCentral has 1 "All Departments"');
  await hikcentral.setKib("1", "2600001");
  expect(bodies(add)).toEqual([]);
});

test("the set-up is read once for all, and logged by name", async () => {
  const { url, bodies } = gateway({ [write]: () => success("") });
  const { hikcentral, log } = clientOf(url);
  await Promise.all(["1", "2", "3"].map((id) => hikcentral.setKib(id, "2600001")));
  await hikcentral.setKib("4", "2600002");
  expect(bodies(fields)).toHaveLength(1);
  expect(bodies(groups)).toHaveLength(1);
  expect(log).toEqual([
    "regional: zona-i → privilege group 1 → Access Gate Zona 1",
    "KIB: custom field 1 → KIB, type 1",
  ]);
});

test("a set-up that was wrong is read again, and work goes on once it is right", async () => {
  const { url } = gateway({
    [fields]: (_, times) => (times <= 2 ? listing([]) : kibField()),
    [write]: () => success(""),
  });
  let nowMs = 0;
  const { hikcentral } = clientOf(url, { now: () => nowMs });
  expect(await failureOf(hikcentral.setKib("1", "1"))).toMatchObject({ code: "kib_field_missing" });
  nowMs = 5_000;
  await hikcentral.setKib("1", "1");
});

test("one short list of the set-up is not believed", async () => {
  const organisations = "org/orgList";
  const whole = {
    [fields]: { id: 1, name: "KIB", type: 1 },
    [groups]: { privilegeGroupId: "1", privilegeGroupName: "Access Gate Zona 1" },
    [organisations]: { orgIndexCode: "1", orgName: "All Departments" },
  };
  const shortOnce = (one: object) => (_: unknown, times: number) => listing(times === 1 ? [] : [one]);
  const answers = Object.entries(whole).map(([call, one]) => [call, shortOnce(one)]);
  const { url, bodies } = gateway({
    ...Object.fromEntries(answers),
    [add]: () => success("7"),
    [write]: () => success(""),
    [grant]: () => success(""),
  });
  const { hikcentral, log } = clientOf(url, { organisation: "1" });
  await hikcentral.addPerson(newPerson);
  await hikcentral.setKib("7", "2600001");
  await hikcentral.addToGroup("1", "7");
  expect(log.filter((line) => line.startsWith("warn"))).toEqual([]);
  for (const call of Object.keys(whole)) expect({ call, times: bodies(call).length }).toEqual({ call, times: 2 });
});

test("where the partner may not read the set-up it is said once, and the original's type is written", async () => {
  const { url, bodies } = gateway({ [fields]: refused, [groups]: refused, [write]: () => success("") });
  const { hikcentral, log } = clientOf(url);
  await Promise.all([hikcentral.setKib("1", "2600001"), hikcentral.setKib("2", "2600002")]);
  expect(log.filter((line) => line.startsWith("warn"))).toHaveLength(2);
  expect(bodies(write)[0]).toEqual({
    personId: "1",
    list: [{ id: "1", customFiledName: "KIB", customFieldType: 1, customFieldValue: "2600001" }],
  });
});

test("the field's type is HikCentral's own unless it is configured", async () => {
  const { url, bodies } = gateway({ [fields]: () => kibField({ type: 0 }), [write]: () => success("") });
  await clientOf(url).hikcentral.setKib("1", "AB-1");
  const configured = clientOf(url, { kibField: { id: "1", name: "KIB", type: 1 } }).hikcentral;
  expect(await failureOf(configured.setKib("1", "AB-1"))).toMatchObject({
    kind: "reject",
    code: "bad_kib_number",
  });
  expect(bodies(write)).toMatchObject([{ list: [{ customFieldType: 0, customFieldValue: "AB-1" }] }]);
});

test("a set-up check that fails in passing is no set-up fault", async () => {
  const { url } = gateway({ [groups]: () => new Response("<html>", { status: 502 }) });
  expect(await failureOf(clientOf(url).hikcentral.setKib("1", "1"))).toMatchObject({
    kind: "retry",
    suspect: "hikcentral",
  });
});

test("whoever stops waiting for the set-up check leaves it to the others", async () => {
  const held = Promise.withResolvers<unknown>();
  const { url } = gateway({ [fields]: () => held.promise, [write]: () => success("") });
  const { client, hikcentral } = clientOf(url);
  const stop = new AbortController();
  const first = failureOf(client.for(stop.signal).setKib("1", "1"));
  const second = hikcentral.setKib("2", "2");
  stop.abort(new Error("stopped"));
  expect((await first).message).toBe("stopped");
  held.resolve(kibField());
  await second;
});

test("a group that is not there is named, also one that vanishes later", async () => {
  const members = "privilege/group/single/personList";
  let there = false;
  const { url } = gateway({
    [groups]: () => listing(there ? [{ privilegeGroupId: "1", privilegeGroupName: "Access Gate Zona 1" }] : []),
    [members]: () => (there ? listing([{ id: "7" }]) : { code: "128", msg: "privilegeGroupId does not exist" }),
  });
  let nowMs = 0;
  const { hikcentral } = clientOf(url, { now: () => nowMs });
  const missing = { kind: "reject", code: "privilege_group_missing" };
  expect(await failureOf(hikcentral.inGroup("1", "7"))).toMatchObject(missing);
  there = true;
  nowMs = 5_000;
  expect(await hikcentral.inGroup("1", "7")).toBe(true);
  there = false;
  nowMs = 65_000;
  expect(await failureOf(hikcentral.inGroup("1", "7"))).toMatchObject(missing);
});

test.each([fields, groups])(
  "a refusal of %s is a set-up fault too, and no dead letter of whoever asked first",
  async (call) => {
    const { url } = gateway({ [call]: () => ({ code: "2", msg: "pageSize parameter error" }) });
    const failure = await failureOf(clientOf(url).hikcentral.setKib("1", "1"));
    expect(failure).toMatchObject({ kind: "unavailable", reason: "setup", code: "hikcentral_setup" });
    expect(failure.message).toMatch(/^the set-up of HikCentral cannot be read: .*pageSize parameter error/);
  },
);
