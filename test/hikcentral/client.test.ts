import { expect, test } from "bun:test";
import { createServer, type Socket } from "node:net";
import type { Face } from "../../src/people/types.ts";
import { clientOf, closing, failureOf, gateway, listing, newPerson, success } from "./gateway.ts";

const info = "person/personCode/personInfo";
const add = "person/single/add";

/** A server below HTTP: what it does with the n-th request that arrives. */
async function rawServer(onRequest: (socket: Socket, times: number, request: string) => void) {
  const sockets = new Set<Socket>();
  let times = 0;
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("data", (bytes) => onRequest(socket, ++times, bytes.toString()));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing({
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return { url: `http://127.0.0.1:${port}`, times: () => times };
}
const http = (body: string) => `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;

test("a person is read with numbers for texts, text/plain for JSON and fields that are missing", async () => {
  const data = {
    personId: 18945,
    personCode: "3500000000000001",
    personGivenName: "Budi",
    personFamilyName: "Contoh",
    phoneNo: null,
    personPhoto: { picUri: "Vsm://1" },
    customFieldList: [{ id: 1, customFiledName: "KIB", customFieldType: "1", customFieldValue: 2600001 }],
  };
  const { url } = gateway({ [info]: () => new Response(JSON.stringify({ code: 0, data })) });
  const { hikcentral } = clientOf(url);
  const person = await hikcentral.personByCode("3500000000000001");
  if (!person) throw new Error("not found");
  expect(person).toMatchObject({ personId: "18945", remark: "", validUntil: "", hasFace: true });
  expect(hikcentral.kibOf(person)).toBe("2600001");
});

test.each([
  { code: "128", msg: "does not exist" },
  success(""),
  success("null"),
  success({}),
  success(null),
  { code: 0 },
])("a person that HikCentral does not know is undefined: %j", async (answer) => {
  const { url } = gateway({ [info]: () => answer });
  expect(await clientOf(url).hikcentral.personByCode("3500000000000001")).toBeUndefined();
});

test("the address may end in a slash or in /artemis", async () => {
  const { url, calls } = gateway({ [info]: () => success() });
  for (const end of ["", "/", "/artemis", "/artemis/"]) await clientOf(url + end).hikcentral.personByCode("1a");
  expect(calls.map(({ call }) => call)).toEqual([info, info, info, info]);
});

test("a new person is sent with every field, and its number comes back as text", async () => {
  const { url, bodies } = gateway({ [add]: () => success(18945) });
  const face = "AAAA" as Face;
  expect(await clientOf(url).hikcentral.addPerson({ ...newPerson, face })).toBe("18945");
  expect(bodies(add)).toEqual([
    {
      personCode: "3500000000000001",
      personGivenName: "Budi",
      personFamilyName: "Contoh",
      gender: 0,
      orgIndexCode: "1",
      remark: "",
      beginTime: "2026-01-05T00:00:00+07:00",
      endTime: "2030-12-31T00:00:00+07:00",
      faces: [{ faceData: "AAAA" }],
    },
  ]);
});

test.each(["", "null", {}, null, undefined])("an add that gives no number, but %j, is an answer lost", async (data) => {
  const { url } = gateway({ [add]: () => success(data) });
  expect(await failureOf(clientOf(url).hikcentral.addPerson(newPerson))).toMatchObject({ code: "answer_lost" });
});

test.each([
  ["of another personCode than asked for", "3500000000000002"],
  ["without a personCode", undefined],
  ["with an empty personCode", ""],
])("a person %s is a bad answer, and never written to", async (_, personCode) => {
  const { url } = gateway({ [info]: () => success({ personId: "7", personCode }) });
  const failure = await failureOf(clientOf(url).hikcentral.personByCode("3500000000000001"));
  expect(failure).toMatchObject({ kind: "retry", code: "hikcentral_bad_answer" });
  expect(failure.message).not.toMatch(/35000/);
});

test.each(["Budi", undefined, null])(
  "a person whose picture and fields are %j, a list of none or missing has none",
  async (odd) => {
    const data = { personId: "7", personCode: "1a", personPhoto: odd, customFieldList: odd };
    const { url } = gateway({ [info]: () => success(data) });
    expect(await clientOf(url).hikcentral.personByCode("1a")).toMatchObject({ hasFace: false, customFields: [] });
  },
);

test("a person shown with a whole name alone has its first word and the rest, and an update sends both parts", async () => {
  const data = { personId: "7", personCode: "1a", personName: "Budi Contoh  Santoso", remark: "made by hand" };
  const { url, bodies } = gateway({ [info]: () => success(data), "person/single/update": () => success("") });
  const { hikcentral } = clientOf(url);
  const person = await hikcentral.personByCode("1a");
  if (!person) throw new Error("not found");
  expect(person).toMatchObject({ givenName: "Budi", familyName: "Contoh Santoso" });
  await hikcentral.updatePerson(person, { remark: "" });
  const { personName: _, ...shown } = data;
  const parts = { personGivenName: "Budi", personFamilyName: "Contoh Santoso" };
  expect(bodies("person/single/update")).toEqual([{ ...shown, ...parts, remark: "" }]);
});

test("without a photo no faces are sent", async () => {
  const { url, bodies } = gateway({ [add]: () => success("1") });
  await clientOf(url).hikcentral.addPerson(newPerson);
  expect(bodies(add)[0]).not.toHaveProperty("faces");
});

test("an update sends back all that was read, but for the changes and the picture", async () => {
  const data = {
    personId: "7",
    personCode: "3500000000000001",
    personGivenName: "Budi",
    personFamilyName: "Contoh",
    orgIndexCode: "2",
    phoneNo: "0800",
    email: "",
    remark: "made by hand",
    cards: [{ cardNo: "9007199254740993" }],
    beginTime: "2025-01-01T00:00:00+07:00",
    endTime: "2031-01-01T00:00:00+07:00",
    personPhoto: { picUri: "" },
    vendorNumber: 0,
  };
  const raw = JSON.stringify(success(data)).replace('"vendorNumber":0', '"vendorNumber":9007199254740993');
  const sent: string[] = [];
  const { url } = gateway({
    [info]: () => new Response(raw),
    "person/single/update": (body) => sent.push(JSON.stringify(body)) && success(""),
  });
  const { hikcentral } = clientOf(url);
  const person = await hikcentral.personByCode("3500000000000001");
  if (!person) throw new Error("not found");
  expect(person.hasFace).toBe(false);
  await hikcentral.updatePerson(person, { familyName: "Contoh Santoso" });
  const { email: _, personPhoto: __, vendorNumber: ___, ...kept } = data;
  expect(JSON.parse(sent[0] ?? "")).toMatchObject({ ...kept, personFamilyName: "Contoh Santoso" });
  expect(sent[0]).not.toContain("picUri");
});

test("a face update holds the person, the face and nothing else", async () => {
  const { url, bodies } = gateway({ "person/face/update": () => success("") });
  await clientOf(url).hikcentral.updateFace("7", "AAAA" as Face);
  expect(bodies("person/face/update")).toEqual([{ personId: "7", faceData: "AAAA" }]);
});

test("a read is repeated after a reset, and the third answer counts", async () => {
  const server = await rawServer((socket, times) =>
    times < 3 ? socket.resetAndDestroy() : socket.end(http('{"code":"128"}')),
  );
  expect(await clientOf(server.url).hikcentral.personByCode("1a")).toBeUndefined();
  expect(server.times()).toBe(3);
});

test("after three resets it is a retry that suspects hikcentral", async () => {
  const server = await rawServer((socket) => socket.resetAndDestroy());
  const failure = await failureOf(clientOf(server.url).hikcentral.personByCode("1a"));
  expect(failure).toMatchObject({ kind: "retry", code: "hikcentral_unreachable", suspect: "hikcentral" });
  expect(server.times()).toBe(3);
});

test("an add that cannot have arrived is no answer lost", async () => {
  const { url, stop } = gateway({ [add]: () => success("1") });
  const { hikcentral } = clientOf(url);
  await hikcentral.addPerson(newPerson);
  await stop();
  expect(await failureOf(hikcentral.addPerson(newPerson))).toMatchObject({
    kind: "retry",
    code: "hikcentral_unreachable",
    suspect: "hikcentral",
  });
});

test("an add whose connection breaks is sent once and is an answer lost", async () => {
  let adds = 0;
  const server = await rawServer((socket, _, request) => {
    if (!request.includes(add)) return socket.write(http('{"code":"69"}'));
    adds++;
    socket.resetAndDestroy();
  });
  expect(await failureOf(clientOf(server.url).hikcentral.addPerson(newPerson))).toMatchObject({
    code: "answer_lost",
  });
  expect(adds).toBe(1);
});

test("an add that a proxy answers is sent once and is an answer lost", async () => {
  const { url, bodies } = gateway({
    [add]: () => new Response("<html>502 Bad Gateway</html>", { status: 502 }),
  });
  const failure = await failureOf(clientOf(url).hikcentral.addPerson(newPerson));
  expect(failure).toMatchObject({ kind: "retry", code: "answer_lost", suspect: "hikcentral" });
  expect(bodies(add)).toHaveLength(1);
});

test("an add that times out is an answer lost, any other call a time-out that is not repeated", async () => {
  const never = () => new Promise(() => {});
  const { url, bodies } = gateway({ [add]: never, [info]: never });
  const { hikcentral } = clientOf(url, { timeoutMs: 200 });
  expect(await failureOf(hikcentral.addPerson(newPerson))).toMatchObject({ code: "answer_lost" });
  const failure = await failureOf(hikcentral.personByCode("1a"));
  expect(failure).toMatchObject({ kind: "retry", code: "hikcentral_timeout", suspect: "hikcentral" });
  expect(bodies(info)).toHaveLength(1);
});

test("a body that stalls is a time-out too", async () => {
  const server = await rawServer((socket) => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"co'));
  const { hikcentral } = clientOf(server.url, { timeoutMs: 100 });
  expect(await failureOf(hikcentral.personByCode("1a"))).toMatchObject({ code: "hikcentral_timeout" });
});

test.each([
  ["a proxy's page", () => new Response("<html>", { status: 502 })],
  ["a page with status 200", () => new Response("<html>login</html>")],
  ["success with an error's status", () => Response.json(success(), { status: 500 })],
  ["an array", () => []],
  ["no code", () => ({ msg: "Success" })],
  ["an empty code", () => ({ code: "" })],
  ["a person without a number", () => success({ personCode: "1a" })],
])("%s is a bad answer, to be tried later", async (_, answer) => {
  const { url } = gateway({ [info]: answer });
  const failure = await failureOf(clientOf(url).hikcentral.personByCode("1a"));
  expect(failure).toMatchObject({ kind: "retry", code: "hikcentral_bad_answer", suspect: "hikcentral" });
});

test("a refused signature is a set-up fault, with status 401 as with 200, and quotes neither key nor text", async () => {
  const msg =
    "Verification failed. Invalid Signature! and StringToSign: POST\napplication/json, apiName : x, appKey : test-app-key";
  for (const status of [200, 401]) {
    const { url } = gateway({ [info]: () => Response.json({ code: "0x02401003", msg }, { status }) });
    const failure = await failureOf(clientOf(url).hikcentral.personByCode("1a"));
    expect(failure).toMatchObject({
      kind: "unavailable",
      reason: "setup",
      code: "hikcentral_wrong_signature",
    });
    expect(failure.message).not.toMatch(/test-app-key|StringToSign|application/);
  }
});

test("the probe takes any envelope for up, also a refusal, and anything else for down", async () => {
  const { signal } = new AbortController();
  const probe = (answer: () => unknown) => clientOf(gateway({ version: answer }).url).client.probe(signal);
  expect(await probe(() => ({ code: "64", msg: "no" }))).toBe(true);
  expect(await probe(() => ({ code: 5 }))).toBe(true);
  expect(await probe(() => new Response("<html>", { status: 502 }))).toBe(false);
  expect(await clientOf("http://127.0.0.1:1").client.probe(signal)).toBe(false);
});

test("the probe needs no slot", async () => {
  const { url } = gateway({ [info]: () => new Promise(() => {}) });
  const { client } = clientOf(url, { concurrency: 1 });
  const stop = new AbortController();
  const hanging = failureOf(client.for(stop.signal).personByCode("1a"));
  expect(await client.probe(new AbortController().signal)).toBe(true);
  stop.abort(new Error("stopped"));
  expect((await hanging).message).toBe("stopped");
});

test("no more calls run at a time than configured, first come first served, and the clock starts with the slot", async () => {
  let running = 0;
  let most = 0;
  const order: unknown[] = [];
  const { url } = gateway({
    [info]: async ({ personCode }) => {
      order.push(personCode);
      most = Math.max(most, ++running);
      await Bun.sleep(250);
      running--;
      return success();
    },
  });
  const { hikcentral } = clientOf(url, { concurrency: 1, timeoutMs: 1_200 });
  const codes = ["a1", "a2", "a3", "a4", "a5", "a6"];
  await Promise.all(codes.map((code) => hikcentral.personByCode(code)));
  expect(most).toBe(1);
  expect(order).toEqual(codes);
});

test("whoever stops waiting for a slot leaves the queue to the others", async () => {
  const held = Promise.withResolvers<unknown>();
  const { url, bodies } = gateway({ [info]: (_, times) => (times === 1 ? held.promise : success()) });
  const { client, hikcentral } = clientOf(url, { concurrency: 1 });
  const first = hikcentral.personByCode("a1");
  const stop = new AbortController();
  const second = failureOf(client.for(stop.signal).personByCode("a2"));
  const third = hikcentral.personByCode("a3");
  stop.abort(new Error("stopped"));
  expect((await second).message).toBe("stopped");
  held.resolve(success());
  await Promise.all([first, third]);
  expect(bodies(info)).toEqual([{ personCode: "a1" }, { personCode: "a3" }]);
});

test.each([
  ["as asked for", 500, 3],
  ["of fewer than asked for", 100, 13],
])("lists are read to their end, in pages %s", async (_, cap, calls) => {
  const members = "privilege/group/single/personList";
  const all = Array.from({ length: 1201 }, (_, index) => ({ id: `${index}` }));
  const { url, bodies } = gateway({
    [members]: ({ pageNo, pageSize }) => {
      const size = Math.min(cap, Number(pageSize));
      const start = (Number(pageNo) - 1) * size;
      return success({ total: `${all.length}`, list: all.slice(start, start + size) });
    },
  });
  const pages = clientOf(url).client.reads(new AbortController().signal).groupMembers("1");
  expect((await Array.fromAsync(pages)).flat()).toEqual(all);
  expect(bodies(members)).toHaveLength(calls);
});

test("a list that moves on while it is read is read to its end", async () => {
  const members = "privilege/group/single/personList";
  const all = Array.from({ length: 1000 }, (_, index) => ({ id: `${index}` }));
  const { url } = gateway({
    [members]: ({ pageNo }) => {
      // Somebody has moved to the front since the first page.
      const start = Math.max(0, (Number(pageNo) - 1) * 500 - 1);
      return success({ total: 1000, list: all.slice(start, start + 500) });
    },
  });
  const pages = clientOf(url).client.reads(new AbortController().signal).groupMembers("1");
  expect(new Set((await Array.fromAsync(pages)).flat().map(({ id }) => id)).size).toBe(1000);
});

test("an empty list has no list, and groups may be nested", async () => {
  const nested = { PrivilegeGroupInfo: [{ privilegeGroupId: 1, privilegeGroupName: "A" }] };
  const { url } = gateway({
    "privilege/group/single/personList": () => success({ total: 0 }),
    "privilege/group": () => success({ total: 2, list: [nested, { privilegeGroupId: "2", privilegeGroupName: "B" }] }),
  });
  const reads = clientOf(url).client.reads(new AbortController().signal);
  expect(await Array.fromAsync(reads.groupMembers("1"))).toEqual([[]]);
  expect((await Array.fromAsync(reads.privilegeGroups())).flat()).toEqual([
    { id: "1", name: "A" },
    { id: "2", name: "B" },
  ]);
});

test("each call is reported once with its code and time", async () => {
  const seen: string[] = [];
  const { url } = gateway({ [info]: () => ({ code: "3" }) });
  const onCall = ({ call, code, ms }: { call: string; code: string; ms: number }) =>
    seen.push(`${call} ${code} ${ms >= 0}`);
  expect(await failureOf(clientOf(url, { onCall }).hikcentral.personByCode("1a"))).toMatchObject({
    code: "hikcentral_busy",
    suspect: undefined,
  });
  expect(seen).toEqual([`${info} 3 true`]);
});

test("members of a group come with numbers as texts", async () => {
  const { url } = gateway({ "privilege/group/single/personList": () => listing([{ id: 7 }, { id: "8" }]) });
  const { hikcentral } = clientOf(url);
  expect(await hikcentral.inGroup("1", "7")).toBe(true);
  expect(await hikcentral.inGroup("1", "9")).toBe(false);
});
