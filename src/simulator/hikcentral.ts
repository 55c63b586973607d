import * as v from "valibot";
import { type Call, type Fault, type Faults, instead, type ServerOptions, serve } from "./fault-server.ts";
import { Persons, parse, Refused, type SimulatedPerson } from "./person-store.ts";
import { type Gateway, signatureFault, textToSign } from "./signature.ts";

const appKey = "contoh-app-key";
const appSecret = "contoh-app-secret";
const zones = { 1: "Zona 1", 2: "Zona 2", 6: "Zona 3", 7: "Zona 4", 8: "TUKS", 9: "Kawasan" };
const envelope = (code: string, data: unknown = "", detail = ""): string => {
  const message = { "0": "Success", "2": "Incorrect request parameter" }[code] ?? "Operation failed";
  return JSON.stringify({ code, msg: detail ? `${message}. [${detail}]` : message, data });
};

/** The refusals that a site meets: `faults.set({ ...refusals.busy, times: 3 })`. */
export const refusals = {
  "5xx": instead("5xx", "Service Unavailable", { status: 503 }),
  html: instead("html", "<html><h1>502 Bad Gateway</h1></html>", { status: 502 }),
  busy: instead("busy", envelope("0x00052102")),
  exception: instead("exception", envelope("5", "", "database error")),
  wrongKey: instead("wrong key", envelope("0x02401001")),
  licence: instead("licence", envelope("132"), { match: "person/single/add" }),
};

const whole = v.pipe(v.number(), v.integer(), v.minValue(1));
const paging = v.object({ pageNo: whole, pageSize: v.pipe(whole, v.maxValue(500)) });
const type = v.literal(1);
const groupPaging = v.object({ ...paging.entries, type });
const membersPaging = v.object({ ...groupPaging.entries, privilegeGroupId: v.string() });
const resultPaging = v.object({ ...groupPaging.entries, applicationResultType: v.picklist([1, 2]) });
const ids = v.pipe(v.array(v.object({ id: v.string() })), v.minLength(1), v.maxLength(20));
const membersSchema = v.object({ privilegeGroupId: v.string(), type, list: ids });
const text = v.string();
const fieldValue = v.object({
  id: text,
  customFiledName: text,
  customFieldType: v.number(),
  customFieldValue: text,
});
const personId = { personId: text, personCode: v.optional(v.never()) };
const customFieldsSchema = v.object({ ...personId, list: v.array(fieldValue) });
const reapplicationSchema = v.object({ personIds: v.optional(v.pipe(v.string(), v.regex(/^\d+(,\d+)*$/))) });

/** The fault of that kind that hits the call in progress, if any. */
type Take = (kind: Fault["kind"]) => Fault | undefined;

export interface HikCentralOptions extends ServerOptions {
  /** However many a page is asked for: some HikCentrals cap it (500). */
  maxPageSize?: number;
  /** The generation of its gateway, which decides the codes for a bad signature ("artemis"). */
  gateway?: Gateway;
}

/** A HikCentral Professional as its OpenAPI documents it. */
export async function startHikCentral({ gateway = "artemis", maxPageSize = 500, ...options }: HikCentralOptions) {
  const store = new Persons();
  const groups = new Map(
    Object.entries(zones).map(([id, zone]) => [id, { name: `Access Gate ${zone}`, members: new Set<string>() }]),
  );
  const customFields = [
    { id: "1", customFiledName: "KIB", customFieldType: 1 },
    { id: "2", customFiledName: "Catatan", customFieldType: 0 },
  ];
  const organisations = [
    { orgIndexCode: "1", orgName: "All Departments", parentOrgIndexCode: "0" },
    { orgIndexCode: "2", orgName: "Kontraktor", parentOrgIndexCode: "1" },
  ];
  const calls: Record<string, number> = {};
  const writes: { atMs: number; call: string; code: string }[] = [];
  const applied: string[] = [];

  /** n.b. There is no `list` key when there is nothing to list. */
  function page<T>(
    all: readonly T[],
    { pageNo, pageSize }: v.InferOutput<typeof paging>,
    take: Take,
    shown: (one: T) => unknown = (one) => one,
  ) {
    const size = Math.min(pageSize, maxPageSize);
    const shownNo = pageNo > 1 && take("same-page") ? pageNo - 1 : pageNo;
    const whole = all.slice((shownNo - 1) * size, shownNo * size);
    const list = (whole.length > 0 && take("short-page") ? whole.slice(0, whole.length / 2) : whole).map(shown);
    const wrong = take("wrong-total");
    const total = wrong ? Math.max(list.length, all.length + (wrong.by ?? 1)) : all.length;
    return { total, pageNo, pageSize, ...(all.length > 0 && { list }) };
  }

  const membersOf = (groupId: string): Set<string> => {
    const group = groups.get(groupId);
    if (!group) throw new Refused("128", "privilegeGroupId does not exist");
    return group.members;
  };
  const changeMembers = (change: "add" | "delete") => (body: unknown, take: Take) => {
    const { privilegeGroupId, list } = parse(membersSchema, body);
    const members = membersOf(privilegeGroupId);
    const persons = list.map(({ id }) => store.find("personId", id));
    const isHalf = take("half-done") !== undefined;
    for (const { personId } of isHalf ? persons.slice(0, persons.length / 2) : persons) members[change](personId);
    if (isHalf) throw new Refused("140", "the operation failed");
  };
  const shown = ({ picture, customFields: values, ...person }: SimulatedPerson) => ({
    ...person,
    personPhoto: { picUri: picture ? `/ngx/proxy?i=${person.personId}` : "" },
    customFieldList: customFields.map((field) => ({ ...field, customFieldValue: values[field.id] ?? "" })),
  });
  const updateCustomFields = (body: unknown) => {
    const { personId, list } = parse(customFieldsSchema, body);
    const person = store.find("personId", personId);
    for (const { id, customFieldValue, ...given } of list) {
      const field = customFields.find((one) => Bun.deepEquals(one, { id, ...given }));
      if (!field) throw new Refused("2", "customFiledName parameter error");
      const rule = field.customFieldType === 1 ? /^\d{0,32}$/ : /^.{0,128}$/s;
      if (!rule.test(customFieldValue)) throw new Refused("2", "customFieldValue parameter error");
      person.customFields[id] = customFieldValue;
    }
  };

  type Endpoints = Record<string, (body: unknown, take: Take) => unknown>;
  const reads: Endpoints = {
    "common/v1/version": () => ({ produceName: "HikCentral Professional", softVersion: "V2.6.1" }),
    "resource/v1/person/personCode/personInfo": (body) =>
      shown(store.find("personCode", parse(v.object({ personCode: v.string() }), body).personCode)),
    "resource/v1/person/picture_data": (body) => {
      const { picture } = store.find("personId", parse(v.object({ personId: text, picUri: text }), body).personId);
      if (!picture) throw new Refused("128", "picUri does not exist");
      return new Response(`data:image/jpeg;base64,${Buffer.from(picture).toString("base64")}`);
    },
    "resource/v1/person/personList": (body, take) => page([...store.byId.values()], parse(paging, body), take, shown),
    "resource/v1/person/advance/personList": (body, take) => {
      const { personName, ...paged } = parse(v.object({ ...paging.entries, personName: v.string() }), body);
      const isLike = ({ personGivenName, personFamilyName }: SimulatedPerson) =>
        `${personGivenName} ${personFamilyName}`.toLowerCase().includes(personName.toLowerCase());
      return page([...store.byId.values()].filter(isLike), paged, take, shown);
    },
    "resource/v1/org/orgList": (body, take) => page(organisations, parse(paging, body), take),
    "resource/v1/person/customFields": (body, take) => page(customFields, parse(paging, body), take),
    "acs/v1/privilege/group": (body, take) => {
      const list = [...groups].map(([id, { name }]) => ({ privilegeGroupId: id, privilegeGroupName: name }));
      return page(list, parse(groupPaging, body), take);
    },
    "acs/v1/privilege/group/single/personList": (body, take) => {
      const wanted = parse(membersPaging, body);
      const members = membersOf(wanted.privilegeGroupId);
      const people = [...store.byId.values()].filter(({ personId }) => members.has(personId));
      const list = people.map(({ personId, personCode }) => ({ id: personId, personCode }));
      return page(list, wanted, take);
    },
    "acs/v1/auth/applicationResult": (body, take) => page([], parse(resultPaging, body), take),
  };
  const changes: Endpoints = {
    "resource/v1/person/single/add": (body, take) => store.add(body, () => take("bad-face")?.code).personId,
    "resource/v1/person/single/update": (body) => store.update(body),
    "resource/v1/person/face/update": (body, take) => store.updateFace(body, () => take("bad-face")?.code),
    "resource/v1/person/personId/customFieldsUpdate": updateCustomFields,
    "acs/v1/privilege/group/single/addPersons": changeMembers("add"),
    "acs/v1/privilege/group/single/deletePersons": changeMembers("delete"),
    "visitor/v1/auth/reapplication": (body) => {
      const { personIds } = parse(reapplicationSchema, body);
      for (const id of personIds?.split(",") ?? store.byId.keys()) applied.push(store.find("personId", id).personId);
    },
  };

  function answer(call: Call, faults: Faults): Response {
    const [, name = ""] = /^\/artemis\/api\/([^?]+)/.exec(call.url) ?? [];
    if (!name) return new Response("<html><h1>404 Not Found</h1></html>", { status: 404 });
    const refused = signatureFault(call, gateway, appKey, appSecret);
    if (refused) {
      const echoed = `StringToSign: ${textToSign(call)}, apiName : ${name}, appKey : ${call.headers["x-ca-key"]}`;
      if (gateway === "v3") return new Response(envelope(refused));
      return Response.json({ code: refused, msg: `Invalid Signature! and ${echoed}` }, { status: 401 });
    }
    calls[name] = (calls[name] ?? 0) + 1;
    const sent = call.body.toString();
    const take: Take = (kind) => faults.take(kind, call.url, sent);
    let [code, data, detail]: [string, unknown, string] = ["0", "", ""];
    try {
      const endpoint = call.method === "POST" && (reads[name] ?? changes[name]);
      if (!endpoint) throw new Refused("12", "the URL is not supported");
      data = endpoint(parse(v.pipe(v.string(), v.parseJson()), sent), take);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      ({ code, detail } = error);
    }
    if (name in changes) writes.push({ atMs: Date.now(), call: name, code });
    if (data instanceof Response) return data;
    return new Response(envelope(code, data, detail));
  }

  function state() {
    const persons = [...store.byId.values()].map(({ picture, customFields: values, ...person }) => ({
      ...person,
      hasFace: picture !== undefined,
      kib: values["1"] ?? "",
      groups: [...groups].filter(([, { members }]) => members.has(person.personId)).map(([id]) => id),
    }));
    return { persons, calls, writes, applied };
  }

  function backup(): () => void {
    const restorePersons = store.backup();
    const kept = [...groups.values()].map((group) => ({ group, members: [...group.members] }));
    return () => {
      restorePersons();
      for (const { group, members } of kept) group.members = new Set(members);
    };
  }

  const server = await serve(options, answer, state);
  return {
    ...server,
    url: `${server.origin}/artemis`,
    appKey,
    appSecret,
    /** By personId; change or delete one to do something behind the daemon's back. */
    persons: store.byId,
    /** By id; the members are personIds. */
    groups,
    customFields,
    /** Calls with a good signature, by path without `/artemis/api/`. */
    calls,
    /** All calls that would change something; code "0" is success. */
    writes,
    /** personIds whose access was applied to the devices, in order. */
    applied,
    state,
    /** What it returns restores persons and groups as they are now; numbers that were given since are given again. */
    backup,
    /** A person made by hand: takes the body of `person/single/add`. */
    seed: (person: object) => store.add(person, () => undefined),
  };
}
