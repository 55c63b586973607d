import {
  type BirthAgreement,
  birthAgreement,
  type Context,
  codeOf,
  defineStage,
  type Face,
  isBefore,
  isReject,
  mayOverwrite,
  type Names,
  type NewPerson,
  namesOf,
  type Person,
  type PersonChanges,
  photoMark,
  readNik,
  readRemark,
  reasons,
  reject,
  samePerson,
  timesAsTaken,
  usableKibOf,
  v,
  writeRemark,
} from "../src/stage.ts";

const employeeSchema = v.looseObject({
  name: v.optional(v.unknown()),
  identity_number: v.optional(v.unknown()),
  kib_number: v.optional(v.unknown()),
  birth_date: v.optional(v.unknown()),
  photo: v.nullish(v.looseObject({ link: v.nullish(v.string()) })),
  regionals: v.nullish(v.array(v.looseObject({}))),
});
type Employee = v.InferOutput<typeof employeeSchema>;

/** Makes the employee a person with a face, or updates the existing person. */
export default defineStage({
  name: "create-person",
  queue: "hikvision_create_person",
  after: "publisher",
  calls: "single",
  // Accepts any employee, so that a bad one becomes a dead letter here, alone, and not with its page.
  message: v.looseObject({ employee: v.unknown() }),
  async run(message, context) {
    const employee = employeeOf(message.employee);
    const work = new Work(employee, context);
    const known = await context.hikcentral.personByCode(work.personCode);
    const personId = known ? await work.update(known) : await work.create();
    context.log.info(`✓ Employee ${employee.name} sent successfully`);
    const { name, identity_number, kib_number = null, regionals = null } = employee;
    return { personId, kib_number, employee: { name, identity_number, kib_number, regionals } };
  },
});

/** Both names and both KIB numbers fit into what a dead letter keeps of a text. */
const longestName = 40;
/** "Budi Santoso" (KIB 2600001) */
function labelOf({ givenName, familyName }: Names, kib: string | undefined): string {
  const name = familyName === "-" ? givenName : `${givenName} ${familyName}`;
  const shown = name.length > longestName ? `${name.slice(0, longestName)}…` : name;
  return `"${shown}" (${kib ? `KIB ${kib}` : "no KIB"})`;
}

function employeeOf(given: unknown): Employee {
  const parsed = v.safeParse(employeeSchema, given);
  if (parsed.success) return parsed.output;
  const wrong = parsed.issues.map((issue) => `${v.getDotPath(issue) ?? "it"} must be ${issue.expected}`);
  throw reject("bad_employee", `the employee record is not valid: ${wrong.join(", ")}; correct it in Eposh`);
}

/** The work on one employee. HikCentral's answers decide; its remark remembers what was sent last. */
class Work {
  readonly personCode: string;
  readonly names: ReturnType<typeof namesOf>;
  /** Undefined also where it is unusable: update-kib says so. */
  readonly kib: string | undefined;
  readonly birth: BirthAgreement;
  readonly link: string | undefined;

  constructor(
    readonly employee: Employee,
    readonly context: Context,
  ) {
    const nik = readNik(employee.identity_number);
    this.personCode = nik.code;
    this.names = namesOf(employee.name);
    this.kib = usableKibOf(employee.kib_number);
    this.birth = birthAgreement(nik, employee.birth_date);
    for (const { code, text } of nik.warnings) context.warn(code, text);
    if (this.birth === "differs") {
      context.warn(
        "birth_date_differs",
        "birth_date is not the date of birth in the NIK: one of them is wrong in Eposh",
      );
    }
    this.link = employee.photo?.link?.trim() || undefined;
    if (this.names.cut) context.warn("name_cut", "the name is longer than HikCentral accepts and was cut");
    if (this.link && context.photo.sharedWith(this.link) > 0) {
      context.warn("shared_photo", "another employee has the same photo link: compare the two faces");
    }
  }

  async create(): Promise<string> {
    return this.#add(await this.#face());
  }

  /** Changes the name, extends the validity, and replaces a missing or older face; all else stays. */
  async update(known: Person, fetched?: Face): Promise<string> {
    const { hikcentral, photo, site, meta, memory, log } = this.context;
    const { personId } = known;
    const note = readRemark(known.remark);
    const wanted = this.link && photoMark(this.link);
    // A human's remark may leave no room for the mark. Then the ledger remembers, or the face is sent once too often.
    const remembers = readRemark(writeRemark(note.text, { ...meta, photoMark: wanted })).photoMark === wanted;
    const isOther = this.link !== undefined && (remembers ? wanted !== note.photoMark : !photo.wasSent(this.link));
    const { givenName, familyName } = this.names;
    const rename: PersonChanges = {
      ...(givenName !== known.givenName && { givenName }),
      ...(familyName !== known.familyName && { familyName }),
    };
    const kibThere = hikcentral.kibOf(known);
    const otherKib = this.kib !== undefined && this.kib !== kibThere;
    // The note of 0.1 has no induction date: what that version saw, and did not write last, is of an earlier one.
    const isFormer =
      note.hasNote &&
      note.inducted === undefined &&
      ((isOther && note.photoMark !== undefined && memory.isFormer("link", this.link ?? "")) ||
        (otherKib && kibThere !== "" && memory.isFormer("kib", this.kib ?? "")));
    const overwrites = Object.keys(rename).length > 0 || (otherKib && kibThere !== "") || (isOther && known.hasFace);
    const isLatest = mayOverwrite(meta, note, memory) && !isFormer;
    this.#assertSame(known, overwrites && isLatest);
    if (!isLatest && known.hasFace) {
      log.info(`Person ${personId} is unchanged: HikCentral already has the data of a later record`);
      return personId;
    }

    let mark = note.photoMark;
    if (!known.hasFace || isOther) {
      const face = fetched ?? (await this.#face(known.hasFace));
      // A refused face counts as sent too, while another face is there: otherwise every run would send it again.
      if (face && ((await this.#replaceFace(personId, face)) || known.hasFace)) {
        mark = wanted;
        if (!remembers && this.link) photo.noteSent(this.link);
      }
    }

    const changes: PersonChanges = {
      ...(isLatest && rename),
      ...(isBefore(known.validUntil, site.validUntil) && { validUntil: site.validUntil }),
      ...(isBefore(site.validFrom, known.validFrom) && { validFrom: site.validFrom }),
    };
    // Without a difference there is no update, not even to note the later fetch.
    const differs = Object.keys(changes).length > 0 || mark !== note.photoMark;
    const order = isLatest && meta.fetchedAt !== undefined ? meta : note;
    const remark = writeRemark(note.text, { ...order, photoMark: mark });
    if (differs && remark !== known.remark) Object.assign(changes, { remark });
    if (Object.keys(changes).length > 0)
      await hikcentral.updatePerson(known, { ...timesAsTaken(known, site), ...changes });
    return personId;
  }

  /**
   * Rejects with `identity_conflict` unless the person is clearly this employee. Where birth_date contradicts the NIK,
   * equal names let through only what overwrites nothing: a second delivery of the record that made the person.
   */
  #assertSame(known: Person, overwrites: boolean): void {
    const kib = this.context.hikcentral.kibOf(known);
    const { same, reason } = samePerson({ ...this.names, kib: this.kib }, { ...known, kib }, this.birth);
    if (same || (reason === "birth_date" && !overwrites)) return;
    const [ours, theirs] = [labelOf(this.names, this.kib), labelOf(known, kib)];
    throw reject(
      "identity_conflict",
      `${ours} at Eposh has the NIK of ${theirs} in HikCentral (person ${known.personId}): ${reasons[reason]}`,
    );
  }

  async #add(face: Face | undefined): Promise<string> {
    const { hikcentral, site, warn } = this.context;
    try {
      const personId = await hikcentral.addPerson(this.#newPerson(face));
      if (face && site.verifyFace) await this.#verifyFace(personId, face);
      return personId;
    } catch (error) {
      const code = codeOf(error);
      if (code === "already_exists" || code === "answer_lost") return this.#updateFound(error, face);
      if (face === undefined || !isReject(error)) throw error;
      const personId = await this.#add(undefined);
      warn("face_refused", `HikCentral refused the face (${code}); the person was created without one`);
      return personId;
    }
  }

  /** The answer to the add was lost, or somebody else added the person first: look it up. */
  async #updateFound(error: unknown, face: Face | undefined): Promise<string> {
    const known = await this.context.hikcentral.personByCode(this.personCode);
    if (known) return this.update(known, face);
    if (codeOf(error) === "answer_lost") throw error;
    const hint = "let the partner see its organisation";
    throw reject("person_not_visible", `HikCentral has this personCode but does not show the person; ${hint}`);
  }

  #newPerson(face: Face | undefined): NewPerson {
    const { organisation, gender, validFrom, validUntil } = this.context.site;
    const { personCode, names, link } = this;
    const { givenName, familyName } = names;
    const photo = face && link ? photoMark(link) : undefined;
    const remark = writeRemark("", { ...this.context.meta, photoMark: photo });
    const person = { personCode, givenName, familyName, gender, organisation, remark, validFrom, validUntil };
    return face ? { ...person, face } : person;
  }

  /** Undefined, with a warning, where there is no usable photo. */
  async #face(hasOne = false): Promise<Face | undefined> {
    const { photo, site, warn } = this.context;
    let why = "the record has no photo link";
    if (this.link) {
      try {
        return await photo.fetch(this.link);
      } catch (error) {
        if (!isReject(error)) throw error;
        why = error.message;
      }
    }
    if (hasOne) {
      warn("photo_not_updated", `the old face was kept: ${why}`);
      return undefined;
    }
    if (site.photoRequired) throw reject("no_photo", `${why}; upload a photo in Eposh and trigger the date again`);
    warn("no_photo", `the person has no face: ${why}`);
    return undefined;
  }

  /** Whether HikCentral accepted it. */
  async #replaceFace(personId: string, face: Face): Promise<boolean> {
    const taken = await this.#sendFace(personId, face);
    if (taken && this.context.site.verifyFace) await this.#verifyFace(personId, face);
    return taken;
  }

  async #sendFace(personId: string, face: Face): Promise<boolean> {
    try {
      await this.context.hikcentral.updateFace(personId, face);
      return true;
    } catch (error) {
      if (!isReject(error)) throw error;
      this.context.warn("face_refused", `HikCentral refused the face (${error.code}); upload one there by hand`);
      return false;
    }
  }

  /** HikCentral may answer success and store no picture. */
  async #verifyFace(personId: string, face: Face): Promise<void> {
    const stored = async () => (await this.context.hikcentral.personByCode(this.personCode))?.hasFace ?? true;
    if ((await stored()) || !(await this.#sendFace(personId, face)) || (await stored())) return;
    this.context.warn("face_not_stored", "HikCentral accepted the face but stored no picture; upload it there by hand");
  }
}
