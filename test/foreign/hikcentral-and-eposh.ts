/**
 * A second Eposh and HikCentral, on one port, from the same documents as src/simulator/ and without a line of it:
 * what both accept is not our own misunderstanding. `--port N --people N`. Prints its addresses and keys as JSON;
 * GET /state tells the end.
 */
import { createHmac } from "node:crypto";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { crc32, deflateSync } from "node:zlib";

const setting = (name: string, fallback: number) =>
  process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : fallback;
const peopleCount = setting("--people", 155);
const keys = { apiKey: "asing-api", appId: "asing-app", appKey: "asing-key", appSecret: "asing-secret" };
const zones = { "zona-i": "1", "zona-ii": "2", "zona-iii": "6", "zona-iv": "7", tuks: "8", kawasan: "9" };
const slugs = Object.keys(zones);

type Body = Record<string, unknown> & { list?: Record<string, unknown>[]; faces?: { faceData: string }[] };
const persons: { id: string; fields: Body; face: string; kib: string }[] = [];
const groups = new Map(Object.values(zones).map((id) => [id, new Set<unknown>()]));
const gates = [...groups.keys()].map((id) => ({ privilegeGroupId: id, privilegeGroupName: `Gate ${id}` }));
const kibField = { id: "1", customFiledName: "KIB", customFieldType: 1 };
const asMember = (id: unknown) => ({ id });
const calls: Record<string, number> = {};

function piece(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.alloc(4), Buffer.from(type), data, Buffer.alloc(4)]);
  body.writeUInt32BE(data.length);
  body.writeUInt32BE(crc32(body.subarray(4, -4)), data.length + 8);
  return body;
}
/** 300×400 with an alpha channel; each number has a colour of its own. */
function photo(number: number): Buffer {
  const colour = Buffer.from([200, number % 251, (number * 7) % 251, (number * 31) % 251]);
  const line = Buffer.alloc(1201).fill(colour).fill(0, 0, 1);
  const size = piece("IHDR", Buffer.from([0, 0, 1, 44, 0, 0, 1, 144, 8, 6, 0, 0, 0]));
  const pixels = piece("IDAT", deflateSync(Buffer.concat(Array(400).fill(line))));
  return Buffer.concat([Buffer.from("89504e470d0a1a0a", "hex"), size, pixels, piece("IEND", Buffer.of())]);
}

/** All were inducted on 2026-01-03. */
function eposhPage({ searchParams, origin }: URL) {
  const [page, limit] = [Number(searchParams.get("page")), Number(searchParams.get("limit"))];
  const total = searchParams.get("induction_date") === "2026-01-03" ? peopleCount : 0;
  const all = Array.from({ length: total }, (_, number) => ({
    name: `Orang Contoh ${String.fromCharCode(65 + (number % 26))}`,
    identity_number: String(3599003101900001 + number),
    kib_number: String(2650001 + number),
    birth_date: { ymd: "1990-01-31" },
    photo: { link: `${origin}/photo/-${1767700000 + number}.png` },
    regionals: slugs.slice(number % 6, (number % 6) + 2).map((slug) => ({ name: slug, slug })),
  }));
  const data = all.slice((page - 1) * limit, page * limit);
  const last_page = Math.max(1, Math.ceil(total / limit));
  return { data, pagination: { current_page: page, last_page, total } };
}

function isSigned({ method, url, headers }: IncomingMessage): boolean {
  const standard = ["accept", "content-md5", "content-type", "date"].flatMap((name) => headers[name] ?? []);
  const names = headers["x-ca-signature-headers"] ? String(headers["x-ca-signature-headers"]).split(",") : [];
  const own = names.map((name) => `${name}:${headers[name]}`).sort();
  const mac = createHmac("sha256", keys.appSecret).update([method, ...standard, ...own, url].join("\n"));
  return headers["x-ca-key"] === keys.appKey && headers["x-ca-signature"] === mac.digest("base64");
}

const bad = (what: string) => ({ code: "2", msg: `Incorrect request parameter. [${what}]` });
const done = (data: unknown = "") => ({ code: "0", msg: "Success", data });
const page = (all: unknown[], { pageNo, pageSize }: Body) => {
  const list = all.slice((Number(pageNo) - 1) * Number(pageSize), Number(pageNo) * Number(pageSize));
  return done({ total: all.length, pageNo, pageSize, ...(list[0] ? { list } : {}) });
};
const isFace = (face: unknown) => /^ffd8ff.*ffd9$/.test(Buffer.from(String(face), "base64").toString("hex"));
const isName = (name: unknown) => /^[^'/\\:*?"<>|]+$/.test(String(name ?? ""));
const shown = ({ id, fields, face, kib }: (typeof persons)[number]) => ({
  ...fields,
  personId: id,
  personPhoto: { picUri: face && `/picture/${id}` },
  customFieldList: [{ ...kibField, customFieldValue: kib }],
});

function hikcentral(call: string, body: Body): object {
  const { personId, personCode, privilegeGroupId, personGivenName, personFamilyName, list } = body;
  const person = persons.find(({ id, fields }) => id === personId || fields.personCode === personCode);
  const group = groups.get(String(privilegeGroupId));
  const isNamed = isName(personGivenName) && isName(personFamilyName);
  if (call === "common/v1/version") return done({ produceName: "HikCentral", softVersion: "V2.5" });
  if (call === "privilege/group") return page(gates, body);
  if (call === "person/customFields") return page([kibField], body);
  if (call === "person/single/add") {
    if (person) return { code: "131", msg: "The resource already exists" };
    if (!/^\w{1,16}$/.test(String(personCode)) || !isNamed) return bad("person");
    const { faces, ...fields } = body;
    if (faces && !isFace(faces[0]?.faceData)) return bad("faceData");
    const id = String(501 + persons.length);
    persons.push({ id, fields, face: faces?.[0]?.faceData ?? "", kib: "" });
    return done(id);
  }
  if (call === "privilege/group/single/personList" && group) return page(Array.from(group, asMember), body);
  if (call === "privilege/group/single/addPersons" && group && list) {
    if (list.length > 20 || !list.every(({ id }) => persons.some((one) => one.id === id))) return bad("list");
    for (const { id } of list) group.add(id);
    return done();
  }
  if (call === "person/personList") return page(persons.map(shown), body);
  if (!person) return { code: "128", msg: "The resource does not exist" };
  if (call === "person/personCode/personInfo") return done(shown(person));
  if (call === "person/single/update" && isNamed) person.fields = body;
  else if (call === "person/face/update" && isFace(body.faceData)) person.face = String(body.faceData);
  else if (call === "person/personId/customFieldsUpdate" && list?.[0]?.customFiledName === "KIB")
    person.kib = String(list[0].customFieldValue);
  else return bad(call);
  return done();
}

const state = () => ({
  calls,
  persons: persons.map(({ id, fields, face, kib }) => ({
    personCode: fields.personCode,
    personId: id,
    name: `${fields.personGivenName} ${fields.personFamilyName}`,
    hasFace: face !== "",
    kib,
    groups: [...groups].filter(([, members]) => members.has(id)).map(([group]) => group),
  })),
});

const server = createServer(async (request, response) => {
  const body = (await buffer(request)).toString();
  const { headers } = request;
  const url = new URL(String(request.url), `http://${headers.host}`);
  const call = url.pathname.replace(/^\/artemis\/api\/((resource|acs)\/v1\/)?/, "").replace(/^\/photo\/.*/, "photo");
  calls[call] = (calls[call] ?? 0) + 1;
  if (call === "photo") return response.end(photo(Number(/\d+/.exec(url.pathname)?.[0]) - 1767700000));
  const isEposh = headers["x-api-key"] === keys.apiKey && headers["x-app-id"] === keys.appId;
  let answer: object = { code: "0x02401003", msg: `Invalid Signature! appKey : ${headers["x-ca-key"]}` };
  if (call === "/state") answer = state();
  else if (call === "/api/induction" && isEposh) answer = eposhPage(url);
  else if (isSigned(request)) answer = hikcentral(call, JSON.parse(body));
  else response.statusCode = 401;
  response.end(JSON.stringify(answer));
});
server.listen(setting("--port", 0), "127.0.0.1", () => {
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const addresses = { eposh: `${at}/api/induction`, hikcentral: `${at}/artemis`, state: `${at}/state` };
  console.log(JSON.stringify({ ...addresses, ...keys }));
});
