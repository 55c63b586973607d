import * as v from "valibot";
import { retry } from "../errors.ts";
import { namesIn } from "../people/names.ts";
import type { BriefPerson, CustomField, Face, Person, ShownPerson } from "../people/types.ts";
import { pictureTypeOf } from "../util/picture-type.ts";
import { inParts } from "../util/turns/in-parts.ts";
import { Hashes } from "./sharing/hashes.ts";
import type { NewPerson, PersonChanges } from "./types.ts";

export type Body = Record<string, unknown>;
/**
 * One signed call; gives the checked `data` of a success. `once`: not repeated if it may have arrived. A body that is a
 * function is asked for when the call has its permit.
 */
export type Send = <Data>(
  path: string,
  body: Body | (() => Body),
  data: v.GenericSchema<unknown, Data> | v.GenericSchemaAsync<unknown, Data>,
  options?: { once?: boolean },
) => Promise<Data>;

export const maxGroupIds = 20;
export const maxApplyIds = 100;
export const pageSize = 500;
const maxFound = 50;
/** What a confused HikCentral lists beyond them is not believed. */
const [maxNames, maxListed] = [10_000, 1_000_000];

const sameCode = (a: string, b: string) => a.trim().toLowerCase() === b.toLowerCase();
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const textOrNumber = v.union([v.string(), v.number()]);
const isId = (given: string) => given !== "" && given !== "null";
const id = v.pipe(textOrNumber, v.transform(String), v.trim(), v.check(isId));
/** Null, missing or a number where a text belongs. */
const text = v.pipe(v.nullish(textOrNumber, ""), v.transform(String));
/** Where there is nothing to return, data may be "", {}, "null" or missing. */
const nothing = v.pipe(
  v.unknown(),
  v.check((data) => data == null || data === "" || data === "null" || (isRecord(data) && !Object.keys(data).length)),
  v.transform(() => undefined),
);

/** n.b. HikCentral spells the name in three ways; in a person the id may be missing. */
const customField = v.pipe(
  v.object({
    id: text,
    customFiledName: text,
    customFieldName: text,
    name: text,
    customFieldType: v.nullish(textOrNumber),
    type: v.nullish(textOrNumber),
    customFieldValue: text,
  }),
  v.transform(
    (field): CustomField => ({
      id: field.id,
      name: field.customFiledName || field.customFieldName || field.name,
      type: Number(field.customFieldType ?? field.type ?? 0),
      value: field.customFieldValue,
    }),
  ),
);

/** n.b. Some versions of HikCentral show only the whole name. */
const shownNames = (read: Record<"personGivenName" | "personFamilyName" | "personName", string>) =>
  read.personGivenName || read.personFamilyName || !read.personName
    ? { givenName: read.personGivenName, familyName: read.personFamilyName }
    : namesIn(read.personName);

const briefFields = {
  personId: id,
  personCode: text,
  personPhoto: v.fallback(v.object({ picUri: text }), { picUri: "" }),
};
const briefPerson = v.pipe(
  v.object(briefFields),
  v.transform(
    ({ personId, personCode, personPhoto }): BriefPerson => ({
      personId,
      personCode,
      hasFace: personPhoto.picUri !== "",
    }),
  ),
);

const shownFields = {
  ...briefFields,
  personGivenName: text,
  personFamilyName: text,
  personName: text,
  remark: text,
  beginTime: text,
  endTime: text,
  customFieldList: v.fallback(v.array(customField), []),
};
const shownFieldsOf = v.object(shownFields);

const shownOf = (read: v.InferOutput<typeof shownFieldsOf>): ShownPerson => ({
  personId: read.personId,
  personCode: read.personCode,
  ...shownNames(read),
  remark: read.remark,
  validFrom: read.beginTime,
  validUntil: read.endTime,
  hasFace: read.personPhoto.picUri !== "",
  pictureAddress: read.personPhoto.picUri,
  customFields: read.customFieldList,
});

const shownPerson = v.pipe(shownFieldsOf, v.transform(shownOf));

const person = v.pipe(
  v.record(v.string(), v.unknown()),
  v.transform((raw) => ({ ...raw, raw })),
  v.object({ ...shownFields, raw: v.record(v.string(), v.unknown()) }),
  v.transform((read): Person => ({ ...shownOf(read), raw: read.raw })),
);

/** n.b. A data URI in raw Base64, or the bytes themselves, which the transport gives as Base64. */
const picture = v.pipe(
  v.string(),
  v.transform((data) => Buffer.from(data.replace(/^data:image\/[\w.+-]+;base64,/, ""), "base64")),
  v.check((bytes) => pictureTypeOf(bytes) !== undefined),
);

const privilegeGroup = v.pipe(
  v.object({ privilegeGroupId: id, privilegeGroupName: text }),
  v.transform((group) => ({ id: group.privilegeGroupId, name: group.privilegeGroupName })),
);

const organisation = v.pipe(
  v.object({ orgIndexCode: id, orgName: text }),
  v.transform((found) => ({ id: found.orgIndexCode, name: found.orgName })),
);

const personList = "/api/resource/v1/person/personList";

export type PageBody = Readonly<Record<"pageNo" | "pageSize", number>>;

export interface Page<Item> {
  readonly list: Item[];
  /** On all pages. */
  readonly total: number;
}

/** A list that may be missing, or hold groups nested under PrivilegeGroupInfo. */
function flat(list: unknown): unknown[] {
  if (Array.isArray(list)) return list.flatMap(flat);
  if (!isRecord(list)) return [];
  if (!("PrivilegeGroupInfo" in list)) return [list];
  const { PrivilegeGroupInfo: nested, ...own } = list;
  return [...("privilegeGroupId" in own ? [own] : []), ...flat(nested)];
}

/** To check 500 persons at once would keep everything else waiting for 5 to 30 ms. */
const checkedAtATime = 50;
/** n.b. With a promise for each of them, as valibot's own asynchronous array has one, a page takes half as long again. */
const eachOf = <Item>(item: v.GenericSchema<unknown, Item>) =>
  v.rawTransformAsync<unknown[], Item[]>(async ({ dataset, addIssue, NEVER }) => {
    const checked: Item[] = [];
    for await (const part of inParts(dataset.value, checkedAtATime))
      for (const one of part) {
        const result = v.safeParse(item, one);
        for (const { message, path } of result.issues ?? []) addIssue({ message, path });
        if (!result.success) return NEVER;
        checked.push(result.output);
      }
    return checked;
  });
const page = <Item>(item: v.GenericSchema<unknown, Item>) =>
  v.pipeAsync(
    v.fallback(v.record(v.string(), v.unknown()), {}),
    v.transform(({ total, list, PrivilegeGroupInfo }): unknown => ({
      total: Number(total ?? 0),
      list: flat(list ?? PrivilegeGroupInfo),
    })),
    v.objectAsync({ total: v.number(), list: v.pipeAsync(v.array(v.unknown()), eachOf(item)) }),
  );

/** With HikCentral's own names of the fields; what is undefined is not sent. */
const onWire = (person: Partial<NewPerson>) => ({
  personCode: person.personCode,
  personGivenName: person.givenName,
  personFamilyName: person.familyName,
  gender: person.gender,
  orgIndexCode: person.organisation,
  remark: person.remark,
  beginTime: person.validFrom,
  endTime: person.validUntil,
  faces: person.face ? [{ faceData: person.face }] : undefined,
});

/** Fields that personInfo returns and single/update refuses. */
const answerOnly = new Set(["faces", "personPhoto", "personName"]);
const withChanges = ({ raw, givenName, familyName }: Person, changes: PersonChanges) => {
  const read = Object.entries(raw).filter(([key, value]) => !answerOnly.has(key) && value !== null && value !== "");
  const changed = Object.entries(onWire({ givenName, familyName, ...changes })).filter(
    ([, value]) => value !== undefined,
  );
  return Object.fromEntries([...read, ...changed]);
};

/** Every call of HikCentral that we make, one function each. Paths and bodies are in its OpenAPI's own spelling. */
export function createCalls(send: Send) {
  async function* pages<Item>(path: string, body: object, item: v.GenericSchema<unknown, Item>, max = maxNames) {
    const kept = new Hashes();
    for (let pageNo = 1; ; pageNo++) {
      const { list, total }: Page<Item> = await send(path, { ...body, pageNo, pageSize }, page(item));
      const before = kept.size;
      for (const one of list) kept.add(JSON.stringify(one));
      if (pageNo > 1 && kept.size === before) return;
      if (kept.size > max)
        throw retry("hikcentral_bad_answer", `HikCentral's list ${path} has more than ${max} entries`);
      yield list;
      // n.b. a short page need not be the last: HikCentral may cap the page size. One that repeats somebody shifts the others.
      if (list.length === 0 || kept.size >= total) return;
    }
  }

  return {
    version: () => send("/api/common/v1/version", {}, v.object({ produceName: text, softVersion: text })),
    personByCode(personCode: string) {
      // n.b. Not even one without a personCode: what follows would overwrite whoever it is.
      const isAskedFor = (found: Person) => sameCode(found.personCode, personCode);
      const asked = v.union([nothing, v.pipe(person, v.check(isAskedFor))]);
      return send("/api/resource/v1/person/personCode/personInfo", { personCode }, asked);
    },
    /** All persons, in an order that is not documented. */
    personPage: (body: () => PageBody): Promise<Page<ShownPerson>> => send(personList, body, page(shownPerson)),
    /** The same list; of each person only what says who is there, and whether with a face, is read. */
    briefPersonPage: (body: () => PageBody): Promise<Page<BriefPerson>> => send(personList, body, page(briefPerson)),
    persons: () => pages(personList, {}, shownPerson, maxListed),
    /** HikCentral's own, fuzzy search: compare again. The first 50. */
    personsByName: async (personName: string) =>
      (
        await send(
          "/api/resource/v1/person/advance/personList",
          { personName, pageNo: 1, pageSize: maxFound },
          page(shownPerson),
        )
      ).list,
    addPerson: (add: NewPerson) => send("/api/resource/v1/person/single/add", onWire(add), id, { once: true }),
    /** n.b. It replaces the person and clears what is left out, so everything that was read is sent back. */
    updatePerson: (known: Person, changes: PersonChanges) =>
      send(
        "/api/resource/v1/person/single/update",
        { ...withChanges(known, changes), personId: known.personId },
        v.unknown(),
      ),
    /** n.b. HikCentral refuses any further field. */
    updateFace: (personId: string, faceData: Face) =>
      send("/api/resource/v1/person/face/update", { personId, faceData }, v.unknown()),
    /** The picture behind the `pictureAddress` of a person. */
    picture: (personId: string, picUri: string) =>
      send("/api/resource/v1/person/picture_data", { personId, picUri }, picture),
    customFields: () => pages("/api/resource/v1/person/customFields", {}, customField),
    setCustomField: (personId: string, { id, name, type, value }: CustomField) =>
      send(
        "/api/resource/v1/person/personId/customFieldsUpdate",
        // n.b. customFiledName is really spelt so.
        { personId, list: [{ id, customFiledName: name, customFieldType: type, customFieldValue: value }] },
        v.unknown(),
      ),
    organisations: () => pages("/api/resource/v1/org/orgList", {}, organisation),
    privilegeGroups: () => pages("/api/acs/v1/privilege/group", { type: 1 }, privilegeGroup),
    groupMembers: (privilegeGroupId: string) =>
      pages(
        "/api/acs/v1/privilege/group/single/personList",
        { privilegeGroupId, type: 1 },
        v.object({ id }),
        maxListed,
      ),
    addToGroup: (privilegeGroupId: string, ids: () => readonly string[]) =>
      send(
        "/api/acs/v1/privilege/group/single/addPersons",
        () => ({ privilegeGroupId, type: 1, list: ids().map((id) => ({ id })) }),
        v.unknown(),
      ),
    /** n.b. 0 means "at once, and earlier failures too". Without personIds it would apply to every pending person. */
    applyAccess: (ids: () => readonly string[]) =>
      send(
        "/api/visitor/v1/auth/reapplication",
        () => ({ ImmediateDownload: 0, personIds: ids().join(",") }),
        v.unknown(),
      ),
  };
}
export type Calls = ReturnType<typeof createCalls>;
