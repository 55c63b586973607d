import { expect, test } from "bun:test";
import type { Face } from "../../src/people/types.ts";
import { clientOf, failureOf, gateway, listing, newPerson, success } from "./gateway.ts";

const fields = "person/customFields";
const groups = "privilege/group";
const write = "person/personId/customFieldsUpdate";
const refused = () => ({ code: "69", msg: "API not ticked" });
const kibField = (more = {}) => listing([{ id: 1, name: "KIB", type: 1, ...more }]);

test("nothing is written while an id or a name is wrong, and every problem is named at once", async () => {
  const { url, bodies } = gateway({
    [fields]: () => listing([{ id: "1", customFiledName: "Blood group", customFieldType: 0 }]),
    [groups]: () => listing([{ privilegeGroupId: "1", privilegeGroupName: "Access Gate Zona 1" }]),
  });
  const { hikcentral } = clientOf(url, { regionals: { "zona-i": "1", "zona-ii": "2", tuks: "8" } });
  for (const attempt of [
    () => hikcentral.addPerson(newPerson),
    () => hikcentral.updateFace("1", "AAAA" as Face),
    () => hikcentral.setKib("1", "1"),
    () => hikcentral.addToGroup("1", "1"),
    () => hikcentral.applyAccess("1"),
  ]) {
    const failure = await failureOf(attempt());
    expect(failure).toMatchObject({ kind: "unavailable", reason: "setup", upstream: "hikcentral" });
    expect(failure.message).toContain('"Blood group", not "KIB"');
    expect(failure.message).toContain("privilege group 2 (regionals.zona-ii)");
    expect(failure.message).toContain("privilege group 8 (regionals.tuks)");
  }
  for (const call of ["person/single/add", "person/face/update", write]) expect(bodies(call)).toEqual([]);
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
    [fields]: (_, times) => (times === 1 ? listing([]) : kibField()),
    [write]: () => success(""),
  });
  const { hikcentral } = clientOf(url);
  expect(await failureOf(hikcentral.setKib("1", "1"))).toMatchObject({ code: "hikcentral_setup" });
  await hikcentral.setKib("1", "1");
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

test("membership of a group that is not there is a set-up fault, also one that vanishes later", async () => {
  const members = "privilege/group/single/personList";
  let there = false;
  const { url } = gateway({
    [groups]: () => listing(there ? [{ privilegeGroupId: "1", privilegeGroupName: "Access Gate Zona 1" }] : []),
    [members]: () => (there ? listing([{ id: "7" }]) : { code: "128", msg: "privilegeGroupId does not exist" }),
  });
  let nowMs = 0;
  const { hikcentral } = clientOf(url, { now: () => nowMs });
  const missing = { kind: "unavailable", reason: "setup", code: "hikcentral_setup" };
  expect(await failureOf(hikcentral.inGroup("1", "7"))).toMatchObject(missing);
  there = true;
  expect(await hikcentral.inGroup("1", "7")).toBe(true);
  there = false;
  nowMs = 60_000;
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
