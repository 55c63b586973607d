import * as v from "valibot";

/** A refusal of HikCentral: HTTP 200 with a code. */
export class Refused extends Error {
  constructor(
    readonly code: string,
    readonly detail: string,
  ) {
    super(`${code} ${detail}`);
  }
}

/** Code 2 with the first field that breaks a rule, as HikCentral words it. */
export function parse<S extends v.GenericSchema>(schema: S, body: unknown): v.InferOutput<S> {
  const parsed = v.safeParse(schema, body, { abortEarly: true });
  if (parsed.success) return parsed.output;
  throw new Refused("2", `${v.getDotPath(parsed.issues[0]) ?? "body"} parameter error`);
}

const text = v.optional(v.pipe(v.string(), v.maxLength(128)), "");
const name = v.pipe(v.string(), v.minLength(1), v.maxLength(256), v.regex(/^[^'/\\:*?"<>|]*$/));
/** n.b. `Z`, a bare date and a naive time are refused: the offset must be written. */
const date = v.pipe(
  v.string(),
  v.regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+-]\d\d:\d\d$/),
  v.check((value) => !Number.isNaN(Date.parse(value))),
);
const carried = v.optional(v.array(v.looseObject({})), []);
const fields = {
  personCode: v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{1,16}$/)),
  personFamilyName: name,
  personGivenName: name,
  gender: v.optional(v.picklist([0, 1, 2]), 0),
  orgIndexCode: v.optional(v.picklist(["1", "2"]), "1"),
  phoneNo: text,
  email: text,
  remark: text,
  cards: carried,
  keyfobs: carried,
  beginTime: v.optional(date, "2026-01-01T00:00:00+07:00"),
  endTime: v.optional(date, "2036-01-01T00:00:00+07:00"),
};
const faceData = v.pipe(v.string(), v.nonEmpty());
const addSchema = v.object({ ...fields, faces: v.optional(v.tuple([v.object({ faceData })])) });
const updateSchema = v.object({ ...fields, personId: v.string(), faces: v.optional(v.never()) });
const faceSchema = v.union([
  v.strictObject({ personId: v.string(), faceData }),
  v.strictObject({ personCode: v.string(), faceData }),
]);

export interface SimulatedPerson extends Omit<v.InferOutput<typeof updateSchema>, "faces"> {
  /** The picture as it arrived; undefined without a face. */
  picture: Uint8Array | undefined;
  /** Value by id of the custom field. */
  customFields: Record<string, string>;
}

/** Whether the devices take these bytes: a whole baseline JPEG of three components, 200 KB at most. */
function isUsableFace(bytes: Buffer): boolean {
  if (bytes.length < 4 || bytes.length > 200 * 1024) return false;
  if (bytes.readUInt16BE(0) !== 0xffd8 || bytes.readUInt16BE(bytes.length - 2) !== 0xffd9) return false;
  for (let at = 2; at + 10 < bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    if (bytes[at + 1] === 0xc0) return bytes[at + 9] === 3;
    if (bytes[at + 1] === 0xc2) return false;
  }
  return false;
}

/** Asked before a face is checked: a code refuses any face; "0" accepts the call and drops the picture. */
export type Judge = () => "0" | "2" | "128" | undefined;

function pictureOf(base64: string, judge: Judge): Uint8Array | undefined {
  const bytes = Buffer.from(base64, "base64");
  const code = judge() ?? (isUsableFace(bytes) && bytes.toString("base64") === base64 ? undefined : "2");
  if (!code) return bytes;
  if (code === "0") return undefined;
  throw new Refused(code, "faceData parameter error");
}

/** The persons and the rules of their fields. All functions but `find` take a call's body and throw `Refused`. */
export class Persons {
  readonly byId = new Map<string, SimulatedPerson>();
  readonly #idOfCode = new Map<string, string>();
  #lastId = 18_944;

  find(key: "personId" | "personCode", value: string): SimulatedPerson {
    const person = key === "personId" ? this.byId.get(value) : this.#byCode(value);
    if (!person) throw new Refused("128", `${key} does not exist`);
    return person;
  }

  add(body: unknown, judge: Judge): SimulatedPerson {
    const { faces, ...wanted } = parse(addSchema, body);
    if (this.#byCode(wanted.personCode)) throw new Refused("131", "personCode already exists");
    const picture = faces && pictureOf(faces[0].faceData, judge);
    this.#lastId++;
    const person = { ...wanted, personId: `${this.#lastId}`, picture, customFields: {} };
    this.#keep(person);
    return person;
  }

  /** n.b. It replaces: what the caller leaves out is cleared. Face, custom fields and groups have calls of their own. */
  update(body: unknown): void {
    const { faces: _, ...wanted } = parse(updateSchema, body);
    const person = this.find("personId", wanted.personId);
    if ((this.#byCode(wanted.personCode) ?? person) !== person) throw new Refused("131", "personCode already exists");
    Object.assign(person, wanted);
    this.#keep(person);
  }

  updateFace(body: unknown, judge: Judge): void {
    const { faceData, ...key } = parse(faceSchema, body);
    const person = "personId" in key ? this.find("personId", key.personId) : this.find("personCode", key.personCode);
    person.picture = pictureOf(faceData, judge);
  }

  /** What it returns puts everybody back as they are now, and their numbers are given again. */
  backup(): () => void {
    const [persons, lastId] = [structuredClone([...this.byId]), this.#lastId];
    return () => {
      this.byId.clear();
      for (const [, person] of structuredClone(persons)) this.#keep(person);
      this.#lastId = lastId;
    };
  }

  #keep(person: SimulatedPerson): void {
    this.byId.set(person.personId, person);
    this.#idOfCode.set(person.personCode, person.personId);
  }

  /** n.b. Who has another one by now, or is gone, may still stand under the old one. */
  #byCode(personCode: string): SimulatedPerson | undefined {
    const person = this.byId.get(this.#idOfCode.get(personCode) ?? "");
    return person?.personCode === personCode ? person : undefined;
  }
}
