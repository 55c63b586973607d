import { expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { type HikCentralOptions, refusals, startHikCentral } from "../../src/simulator/hikcentral.ts";
import { portrait } from "../../src/simulator/pictures.ts";
import { textToSign } from "../../src/simulator/signature.ts";
import { call, callInFull, person } from "./calls.ts";

const open = (options: HikCentralOptions = {}) => startHikCentral(options);
const add = "resource/v1/person/single/add";
const update = "resource/v1/person/single/update";
const face = "resource/v1/person/face/update";
const info = "resource/v1/person/personCode/personInfo";
const fields = "resource/v1/person/personId/customFieldsUpdate";
const addPersons = "acs/v1/privilege/group/single/addPersons";
const members = "acs/v1/privilege/group/single/personList";
const jpeg = await new Bun.Image(portrait(1)).resize(480, 640, { fit: "inside" }).jpeg({ quality: 85 }).bytes();
const faceData = Buffer.from(jpeg).toString("base64");
const kib = (value: string, more: object = {}) => ({
  personId: "18945",
  list: [{ id: "1", customFiledName: "KIB", customFieldType: 1, customFieldValue: value, ...more }],
});

test("the text to sign is the one of the published vectors", () => {
  const sign = (text: string) => createHmac("sha256", "test-app-secret").update(text).digest("base64");
  const own = {
    "x-ca-key": "test-app-key",
    "x-ca-nonce": "5d0b2b3e-8f0e-4b5e-9d5f-1f2a3b4c5d6e",
    "x-ca-timestamp": "1767600000000",
  };
  const minimal = textToSign({
    method: "POST",
    url: "/artemis/api/resource/v1/person/personId/customFieldsUpdate",
    headers: {
      accept: "application/json",
      "content-type": "application/json;charset=UTF-8",
      "x-ca-key": "any",
    },
  });
  const full = textToSign({
    method: "POST",
    url: "/artemis/api/resource/v1/person/single/add",
    headers: {
      accept: "*/*",
      "content-type": "application/json",
      ...own,
      "x-ca-signature-headers": "X-Ca-Timestamp, x-ca-key,x-ca-nonce",
    },
  });
  const query = textToSign({
    method: "GET",
    url: "/artemis/api/example?qc&qb=value2&qa=value1",
    headers: { accept: "*/*", ...own, "x-ca-signature-headers": "x-ca-key" },
  });
  expect(sign(minimal)).toBe("83s1RfUrJMULJKPJMF9WtrLTpCoZv5lZd5DslI6kclo=");
  expect(sign(full)).toBe("cajRNTCxWo1sCcYoleFgPavPL6SucSIXeE9Bbg9vNTs=");
  expect(query).toBe("GET\n*/*\nx-ca-key:test-app-key\n/artemis/api/example?qa=value1&qb=value2&qc");
});

test("both signature profiles are let in, one other byte in a header is not", async () => {
  await using hikcentral = await open();
  expect((await call(hikcentral, "common/v1/version", {})).code).toBe("0");
  expect((await callInFull(hikcentral, "common/v1/version", {})).code).toBe("0");
  const signature = createHmac("sha256", hikcentral.appSecret)
    .update("POST\napplication/json\napplication/json;charset=UTF-8\n/artemis/api/common/v1/version")
    .digest("base64");
  const answer = await fetch(`${hikcentral.url}/api/common/v1/version`, {
    method: "POST",
    body: "{}",
    headers: {
      accept: "application/json",
      "content-type": "application/json; charset=UTF-8",
      "x-ca-key": hikcentral.appKey,
      "x-ca-signature": signature,
    },
  });
  const { code, msg } = (await answer.json()) as { code: string; msg: string };
  expect(code).toBe("0x02401003");
  expect(msg).toContain(`StringToSign: POST\n`);
  expect(msg).toContain(hikcentral.appKey);
  expect(hikcentral.calls).toEqual({ "common/v1/version": 2 });
});

test("an unknown key and a wrong secret are told apart by either generation of gateway", async () => {
  for (const [gateway, codes] of [
    ["artemis", ["0x02401001", "0x02401003"]],
    ["v3", ["64", "68"]],
  ] as const) {
    await using hikcentral = await open({ gateway });
    const { url, appKey, appSecret } = hikcentral;
    expect((await call({ url, appSecret, appKey: "other" }, "common/v1/version", {})).code).toBe(codes[0]);
    expect((await call({ url, appKey, appSecret: "other" }, "common/v1/version", {})).code).toBe(codes[1]);
  }
});

test("a person is added once, and its personId is a string that grows", async () => {
  await using hikcentral = await open();
  expect((await call(hikcentral, add, person({ faces: [{ faceData }] }))).data).toBe("18945");
  expect((await call(hikcentral, add, person())).code).toBe("131");
  expect((await call(hikcentral, add, person({ personCode: "3500000000000002" }))).data).toBe("18946");
  const { data } = await call(hikcentral, info, { personCode: "3500000000000001" });
  expect(data).toMatchObject({
    personId: "18945",
    personGivenName: "Budi",
    personPhoto: { picUri: expect.stringContaining("18945") },
  });
  expect((await call(hikcentral, info, { personCode: "3500000000000009" })).code).toBe("128");
});

test.each([
  ["17 characters of code", { personCode: "35000000000000001" }, "personCode"],
  ["an apostrophe", { personGivenName: "Nur'aini" }, "personGivenName"],
  ["no family name", { personFamilyName: "" }, "personFamilyName"],
  ["a name of 257", { personGivenName: "x".repeat(257) }, "personGivenName"],
  ["a remark of 129", { remark: "x".repeat(129) }, "remark"],
  ["a date with Z", { beginTime: "2026-01-05T00:00:00Z" }, "beginTime"],
  ["a bare date", { endTime: "2026-01-05" }, "endTime"],
  ["gender 3", { gender: 3 }, "gender"],
  ["an empty face", { faces: [{ faceData: "" }] }, "faceData"],
  ["a PNG for a face", { faces: [{ faceData: portrait(1).toString("base64") }] }, "faceData"],
  ["a data URL for a face", { faces: [{ faceData: `data:image/jpeg;base64,${faceData}` }] }, "faceData"],
  ["half a JPEG", { faces: [{ faceData: Buffer.from(jpeg.subarray(0, 900)).toString("base64") }] }, "faceData"],
])("add refuses %s with code 2", async (_, more, named) => {
  await using hikcentral = await open();
  const { code, msg } = await call(hikcentral, add, person(more));
  expect({ code, msg }).toEqual({ code: "2", msg: expect.stringContaining(named) });
  expect(hikcentral.persons.size).toBe(0);
});

test("a bad face is refused in each of the three ways, as often as asked", async () => {
  await using hikcentral = await open();
  const outcomes: unknown[] = [];
  for (const code of ["128", "2", "0"] as const) {
    hikcentral.faults.set({ kind: "bad-face", code, times: 1 });
    outcomes.push((await call(hikcentral, add, person({ faces: [{ faceData }] }))).code);
  }
  const { data } = await call(hikcentral, info, { personCode: "3500000000000001" });
  expect(outcomes).toEqual(["128", "2", "0"]);
  expect(data).toMatchObject({ personPhoto: { picUri: "" } });
  expect(hikcentral.faults.seen).toEqual({ "bad-face": 3 });
  expect((await call(hikcentral, face, { personId: "18945", faceData })).code).toBe("0");
  expect(hikcentral.persons.get("18945")?.picture).toEqual(Buffer.from(jpeg));
});

test("face/update takes one key and the face, and nothing else", async () => {
  await using hikcentral = await open();
  hikcentral.seed(person());
  expect((await call(hikcentral, face, { personCode: "3500000000000001", faceData })).code).toBe("0");
  expect((await call(hikcentral, face, { personId: "18945", faceData, gender: 1 })).code).toBe("2");
  expect((await call(hikcentral, face, { personId: "18945" })).code).toBe("2");
  expect((await call(hikcentral, face, { faceData })).code).toBe("2");
  expect((await call(hikcentral, face, { personId: "1", faceData })).code).toBe("128");
});

test("update clears what it is not given, and keeps face, KIB and groups", async () => {
  await using hikcentral = await open();
  hikcentral.seed(
    person({ cards: [{ cardNo: "77" }], keyfobs: [{ keyfobNo: "1" }], phoneNo: "0812", orgIndexCode: "2" }),
  );
  await call(hikcentral, face, { personId: "18945", faceData });
  await call(hikcentral, fields, kib("2600001"));
  await call(hikcentral, addPersons, { privilegeGroupId: "6", type: 1, list: [{ id: "18945" }] });
  expect((await call(hikcentral, update, person({ personId: "18945", personGivenName: "Budiman" }))).code).toBe("0");
  const [after] = hikcentral.state().persons;
  expect(after).toMatchObject({
    personGivenName: "Budiman",
    cards: [],
    keyfobs: [],
    phoneNo: "",
    orgIndexCode: "1",
  });
  expect(after).toMatchObject({ hasFace: true, kib: "2600001", groups: ["6"] });
});

test("custom fields keep to HikCentral's spelling, types and lengths", async () => {
  await using hikcentral = await open();
  hikcentral.seed(person());
  expect((await call(hikcentral, fields, kib("26A0001"))).code).toBe("2");
  expect((await call(hikcentral, fields, kib("1".repeat(33)))).code).toBe("2");
  expect((await call(hikcentral, fields, kib("1", { customFiledName: undefined, customFieldName: "KIB" }))).code).toBe(
    "2",
  );
  expect((await call(hikcentral, fields, kib("1", { customFiledName: "Kib" }))).code).toBe("2");
  expect((await call(hikcentral, fields, kib("1", { customFieldType: 0 }))).code).toBe("2");
  expect((await call(hikcentral, fields, { ...kib("1"), personCode: "3500000000000001" })).code).toBe("2");
  expect((await call(hikcentral, fields, kib("2600001"))).code).toBe("0");
  const { data } = await call(hikcentral, info, { personCode: "3500000000000001" });
  expect(data).toMatchObject({
    customFieldList: [{ id: "1", customFiledName: "KIB", customFieldValue: "2600001" }, {}],
  });
});

test("groups take at most 20 known persons a call, twice without harm, and list them in pages", async () => {
  await using hikcentral = await open();
  const ids = Array.from({ length: 21 }, (_, i) => ({
    id: hikcentral.seed(person({ personCode: `P${i}` })).personId,
  }));
  const group = { privilegeGroupId: "8", type: 1 };
  const empty = await call(hikcentral, members, { ...group, pageNo: 1, pageSize: 500 });
  expect(empty.data).toEqual({ total: 0, pageNo: 1, pageSize: 500 });
  expect((await call(hikcentral, addPersons, { ...group, list: ids })).code).toBe("2");
  expect((await call(hikcentral, addPersons, { ...group, list: [...ids.slice(0, 2), { id: "1" }] })).code).toBe("128");
  expect(hikcentral.groups.get("8")?.members.size).toBe(0);
  for (const _ of "twice") await call(hikcentral, addPersons, { ...group, list: ids.slice(0, 20) });
  const { data } = await call(hikcentral, members, { ...group, pageNo: 2, pageSize: 15 });
  expect(data).toMatchObject({ total: 20, list: { length: 5, 0: { id: "18960", personCode: "P15" } } });
  expect((await call(hikcentral, members, { ...group, pageNo: 1, pageSize: 501 })).code).toBe("2");
  const removed = "acs/v1/privilege/group/single/deletePersons";
  expect((await call(hikcentral, removed, { ...group, list: ids.slice(0, 1) })).code).toBe("0");
  expect(hikcentral.groups.get("8")?.members.has("18945")).toBe(false);
  expect((await call(hikcentral, addPersons, { ...group, privilegeGroupId: "3", list: ids.slice(0, 1) })).code).toBe(
    "128",
  );
});

test("a list lies as it is told: in a short page, a page that comes twice, a total that is too large or too small", async () => {
  await using hikcentral = await open({ maxPageSize: 4 });
  for (let number = 0; number < 10; number++) hikcentral.seed(person({ personCode: `P${number}` }));
  const read = async (pageNo: number) => {
    const { data } = await call(hikcentral, "resource/v1/person/personList", { pageNo, pageSize: 500 });
    const { total, list = [] } = data as { total: number; list?: { personCode: string }[] };
    return `${list.map(({ personCode }) => personCode.slice(1)).join("")} of ${total}`;
  };
  const truth = ["0123 of 10", "4567 of 10", "89 of 10"];
  expect([await read(1), await read(2), await read(3)]).toEqual(truth);
  hikcentral.faults.set(
    { kind: "short-page", holds: '"pageNo":1', times: 1 },
    { kind: "same-page", holds: ['"pageNo":3', "500"], times: 1 },
    { kind: "wrong-total", holds: ['"pageNo":2', "501"] },
  );
  expect([await read(1), await read(2), await read(3)]).toEqual(["01 of 10", "4567 of 10", "4567 of 10"]);
  expect([await read(1), await read(2), await read(3)]).toEqual(truth);
  hikcentral.faults.set({ kind: "wrong-total", times: 1 }, { kind: "wrong-total", by: -100, times: 1 });
  expect([await read(1), await read(2), await read(3)]).toEqual(["0123 of 11", "4567 of 4", "89 of 10"]);
  expect(hikcentral.faults.seen).toEqual({ "short-page": 1, "same-page": 1, "wrong-total": 2 });
});

test("half of a batch is done before it fails, if it is told so", async () => {
  await using hikcentral = await open();
  const list = ["A", "B", "C"].map((personCode) => ({ id: hikcentral.seed(person({ personCode })).personId }));
  hikcentral.faults.set({ kind: "half-done", match: "addPersons", holds: '},{"id"' });
  const grant = (ids: object[]) => call(hikcentral, addPersons, { privilegeGroupId: "8", type: 1, list: ids });
  const members = () => [...(hikcentral.groups.get("8")?.members ?? [])];
  expect((await grant(list)).code).toBe("140");
  expect(members()).toEqual(["18945"]);
  expect((await grant(list.slice(2))).code).toBe("0");
  expect(members()).toEqual(["18945", "18947"]);
});

test("set-up can be read: the custom fields and the original's six groups", async () => {
  await using hikcentral = await open();
  const paging = { pageNo: 1, pageSize: 100 };
  const groups = await call(hikcentral, "acs/v1/privilege/group", { ...paging, type: 1 });
  const first = { privilegeGroupId: "1", privilegeGroupName: "Access Gate Zona 1" };
  expect(groups.data).toMatchObject({ total: 6, list: { length: 6, 0: first } });
  const fieldList = await call(hikcentral, "resource/v1/person/customFields", paging);
  expect(fieldList.data).toMatchObject({
    list: [{ id: "1", customFiledName: "KIB", customFieldType: 1 }, {}],
  });
  const people = await call(hikcentral, "resource/v1/person/personList", paging);
  expect(people.data).toEqual({ total: 0, ...paging });
});

test("access is applied for the persons named, or for all", async () => {
  await using hikcentral = await open();
  for (const personCode of ["A1", "A2", "A3"]) hikcentral.seed(person({ personCode }));
  const path = "visitor/v1/auth/reapplication";
  expect((await call(hikcentral, path, { personIds: "18945,18947" })).code).toBe("0");
  expect((await call(hikcentral, path, { personIds: ["18945"] })).code).toBe("2");
  expect((await call(hikcentral, path, {})).code).toBe("0");
  expect(hikcentral.applied).toEqual(["18945", "18947", "18945", "18946", "18947"]);
  const wanted = { applicationResultType: 2, type: 1, pageNo: 1, pageSize: 10 };
  expect((await call(hikcentral, "acs/v1/auth/applicationResult", wanted)).code).toBe("0");
});

test("each refusal is what HikCentral would say, and is counted only when it hit", async () => {
  await using hikcentral = await open();
  hikcentral.faults.set({ ...refusals.busy, match: "single/add", times: 1 }, refusals.licence);
  expect((await call(hikcentral, "common/v1/version", {})).code).toBe("0");
  expect(hikcentral.faults.seen).toEqual({});
  expect((await call(hikcentral, add, person())).code).toBe("0x00052102");
  expect((await call(hikcentral, add, person())).code).toBe("132");
  hikcentral.faults.set();
  expect((await call(hikcentral, add, person())).code).toBe("0");
  expect(hikcentral.faults.seen).toEqual({ busy: 1, licence: 1 });
  expect(hikcentral.writes).toMatchObject([{ call: add, code: "0" }]);
  expect((await call(hikcentral, "resource/v1/person/nothing", {})).code).toBe("12");
});
