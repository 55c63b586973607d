import {
  assertNoRival,
  assertSameHuman,
  assertSamePerson,
  type BirthAgreement,
  birthAgreement,
  type Context,
  codeOf,
  defineStage,
  differencesOf,
  type End,
  end,
  extended,
  type FailureCode,
  faceNote,
  hasAll,
  isEnd,
  isReject,
  isRetry,
  labelOf,
  mayOverwrite,
  type NewPerson,
  namesOf,
  type Person,
  type PersonChanges,
  type Photo,
  readNik,
  type readRemark,
  reasonOf,
  recordWrong,
  refusalOf,
  reject,
  replaceFace,
  retry,
  takenAway,
  timesAsTaken,
  usableKibOf,
  v,
  verifyFace,
  wholeName,
  writeRemark,
} from "../src/stage.ts";

const employeeSchema = v.looseObject({
  name: v.optional(v.unknown()),
  identity_number: v.optional(v.unknown()),
  kib_number: v.optional(v.unknown()),
  birth_date: v.optional(v.unknown()),
  // A photo of a wrong type counts as none: it must not stop the employee.
  photo: v.fallback(v.nullish(v.looseObject({ link: v.nullish(v.string()) })), undefined),
  // As it came: update-kib says what is wrong with it.
  regionals: v.optional(v.unknown()),
});
type Employee = v.InferOutput<typeof employeeSchema>;

/** Makes the employee a person with a face, or updates the existing person. */
export default defineStage({
  name: "create-person",
  queue: "hikvision_create_person",
  after: "publisher",
  // Accepts any employee, so that a bad one becomes a dead letter here, alone, and not with its page.
  message: v.looseObject({ employee: v.unknown() }),
  async run(message, context) {
    const employee = employeeOf(message.employee);
    const personId = await new Work(employee, context).run();
    if (isEnd(personId)) return personId;
    context.log.info(`✓ Employee ${employee.name} sent successfully`);
    const { name, identity_number, kib_number = null, regionals = null } = employee;
    return { personId, kib_number, employee: { name, identity_number, kib_number, regionals } };
  },
});

/** For a photo of an ordinary host. Where it takes longer, the person does not wait: the face follows. */
const photoPatienceMs = 3_000;
/** An update sends back all that was read, so that a change made in HikCentral since then would be undone. */
const maxReadAgeMs = 2_000;

function employeeOf(given: unknown): Employee {
  const parsed = v.safeParse(employeeSchema, given);
  if (parsed.success) return parsed.output;
  throw reject("bad_employee", "the employee record is no object with fields; correct it in Eposh");
}

/** What was done before the person was read again. */
interface Progress {
  readonly fetched?: { readonly photo: Photo | undefined };
  /** The mark of the picture that was sent last. */
  readonly sent?: { readonly mark: string | undefined };
}

/** The work on one employee. HikCentral's answers decide; its remark remembers what was sent last. */
class Work {
  readonly personCode: string;
  readonly names: ReturnType<typeof namesOf>;
  /** Undefined also where it is unusable: update-kib says so. */
  readonly kib: string | undefined;
  readonly birth: BirthAgreement;
  readonly link: string | undefined;
  #readAtMs = 0;

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
    const differs = "birth_date is not the date of birth in the NIK: one of them is wrong in Eposh";
    if (this.birth === "differs") context.warn("birth_date_differs", differs);
    this.link = employee.photo?.link?.trim() || undefined;
    if (this.names.cut) context.warn("name_cut", "the name is longer than HikCentral accepts and was cut");
    if (this.link && context.photo.sharedWith(this.link) > 0)
      context.warn("shared_photo", "another employee has the same photo link: compare the two faces");
  }

  async read(): Promise<Person | undefined> {
    const person = await this.context.hikcentral.personByCode(this.personCode);
    this.#readAtMs = performance.now();
    return person;
  }

  async run(): Promise<string | End> {
    const { hikcentral, meta, memory, log } = this.context;
    // Of a list, if there is one. What is delivered again may be of long ago: it looks at the person itself.
    const isFirst = !meta.again && meta.startedAt;
    const seen = isFirst ? await hikcentral.glance(this.personCode, meta.startedAt) : undefined;
    if (seen?.person && hasAll(seen.person, hikcentral.kibOf(seen.person), this, this.context)) {
      memory.noteMet(seen.person.personId, "found");
      log.info(`Person ${seen.person.personId} is unchanged`);
      return seen.person.personId;
    }
    // n.b. Somebody whom a list does not show may be there all the same: the add says so.
    const known = seen && !seen.person && meta.rival === undefined ? undefined : await this.read();
    if (known) return this.update(known);
    if (assertNoRival({ ...this.names, kib: this.kib }, meta.rival, memory) === "record-wrong") return end(recordWrong);
    return this.#add(await this.#photo());
  }

  /** Changes the name, extends the validity, and replaces a missing or older face; all else stays. */
  async update(known: Person, { fetched, sent: done }: Progress = {}): Promise<string | End> {
    const { hikcentral, photo, site, meta, memory, log } = this.context;
    const { personId } = known;
    memory.noteMet(personId, "found", known.remark);
    const kibThere = hikcentral.kibOf(known);
    const found = differencesOf(known, kibThere, this, this.context);
    const { note, remembers, sent, rename, otherPicture, otherKib } = found;
    const isOther = !done && otherPicture;
    // The note of 0.1 has no induction date: what that version saw, and did not write last, is of an earlier one.
    const isFormer =
      note.hasNote &&
      note.inducted === undefined &&
      ((isOther && note.photoMark !== undefined && memory.isFormer("link", this.link ?? "")) ||
        (otherKib && kibThere !== "" && memory.isFormer("kib", this.kib ?? "")));
    const overwrites = Object.keys(rename).length > 0 || (otherKib && kibThere !== "") || (isOther && known.hasFace);
    const isLatest = mayOverwrite(meta, note, memory) && !isFormer;
    const ours = { ...this.names, kib: this.kib };
    const asked = { birth: this.birth, overwrites: overwrites && isLatest, memory };
    if (assertSameHuman(ours, { ...known, kib: kibThere }, asked) === "record-wrong") return end(recordWrong);
    const taken = takenAway(known, this.context);
    if (taken !== undefined) {
      this.context.warn("taken_away_in_hikcentral", taken);
      return personId;
    }
    if (!isLatest && known.hasFace) {
      log.info(`Person ${personId} is unchanged: HikCentral already has the data of a later record`);
      return personId;
    }

    let mark = done ? done.mark : note.photoMark;
    if (!done && (!known.hasFace || isOther)) {
      const found = fetched ? fetched.photo : await this.#photo(known, sent);
      if (this.#isStale()) return this.#again(known, { fetched: { photo: found } });
      const whose = { personId, personCode: this.personCode };
      const isAccepted = found !== undefined && (await replaceFace({ ...whose, photo: found }, this.context));
      // A refused face counts as sent too, while another face is there: otherwise every run would send it again.
      if (found && (isAccepted || known.hasFace)) {
        mark = found.mark;
        if (isAccepted && known.hasFace) this.#noteOverwrite("face", note, [sent ?? "unknown", mark]);
        if (!remembers) photo.noteSent(mark);
      }
    }

    const changes: PersonChanges = { ...(isLatest && rename), ...extended(known, site) };
    // Without a difference there is no update, not even to note the later fetch.
    const differs = Object.keys(changes).length > 0 || mark !== note.photoMark;
    const order = isLatest && meta.fetchedAt !== undefined ? meta : note;
    const remark = writeRemark(note.text, { ...order, photoMark: mark });
    if (differs && remark !== known.remark) Object.assign(changes, { remark });
    const hasChanges = Object.keys(changes).length > 0;
    if (hasChanges && this.#isStale()) return this.#again(known, { sent: { mark } });
    if (hasChanges) await hikcentral.updatePerson(known, { ...timesAsTaken(known, site), ...changes });
    if (changes.remark !== undefined) memory.noteRemark(personId, changes.remark);
    if (changes.givenName !== undefined || changes.familyName !== undefined)
      this.#noteOverwrite("name", note, [wholeName(known), wholeName(this.names)]);
    return personId;
  }

  #isStale(): boolean {
    return performance.now() - this.#readAtMs > maxReadAgeMs;
  }

  async #again({ personId }: Person, progress: Progress): Promise<string | End> {
    const known = await this.read();
    assertSamePerson(known, personId);
    return this.update(known, progress);
  }

  #noteOverwrite(what: "face" | "name", note: ReturnType<typeof readRemark>, [from, to]: [string, string]): void {
    const { memory, meta } = this.context;
    memory.noteOverwrite({ what, name: wholeName(this.names), from, to, reason: reasonOf(meta, note) });
  }

  async #add(photo: Photo | undefined): Promise<string | End> {
    const { hikcentral, memory, warn } = this.context;
    const refused = refusalOf(photo?.mark, this.context);
    if (refused !== undefined) {
      warn("face_refused", refused);
      return this.#add(undefined);
    }
    const person = this.#newPerson(photo);
    try {
      const personId = await hikcentral.addPerson(person);
      memory.noteMet(personId, "made", person.remark);
      if (photo) await verifyFace({ personId, personCode: this.personCode, photo }, this.context);
      return personId;
    } catch (error) {
      const code = codeOf(error);
      if (code === "already_exists" || code === "answer_lost") return this.#updateFound(error, photo);
      if (photo === undefined || !isReject(error)) throw error;
      const personId = await this.#add(undefined);
      const text = `HikCentral refused the face (${code}); the person was created without one`;
      memory.noteRefusal("face", photo.mark, text);
      warn("face_refused", text);
      return personId;
    }
  }

  /** The answer to the add was lost, or somebody else added the person first: look it up. */
  async #updateFound(error: unknown, photo: Photo | undefined): Promise<string | End> {
    const known = await this.read();
    if (known && codeOf(error) === "answer_lost") this.context.memory.noteMet(known.personId, "appeared");
    if (known) return this.update(known, { fetched: { photo } });
    if (codeOf(error) === "answer_lost") throw error;
    const hint = "let the partner see its organisation";
    throw reject("person_not_visible", `HikCentral has this personCode but does not show the person; ${hint}`);
  }

  #newPerson(photo: Photo | undefined): NewPerson {
    const { organisation, gender, validFrom, validUntil } = this.context.site;
    const { personCode, names } = this;
    const { givenName, familyName } = names;
    const remark = writeRemark("", { ...this.context.meta, photoMark: photo?.mark });
    const person = { personCode, givenName, familyName, gender, organisation, remark, validFrom, validUntil };
    return photo ? { ...person, face: photo.face } : person;
  }

  /**
   * Undefined where there is none to send: the picture is the one with the mark `sent`, the photo is unusable (a
   * warning), or it cannot be had now: then the face follows by itself, and nobody waits for it.
   */
  async #photo(known?: Person, sent?: string): Promise<Photo | undefined> {
    const { photo, site, warn, signal, follow, log } = this.context;
    const hasOne = known?.hasFace ?? false;
    const mustHave = site.photoRequired && !hasOne;
    let why = "the record has no photo link";
    let code: FailureCode = hasOne ? "photo_not_updated" : "no_photo";
    const refused = !hasOne && this.link ? refusalOf(photo.pictureBehind(this.link), this.context) : undefined;
    if (refused !== undefined) return void warn("face_refused", refused);
    if (this.link) {
      try {
        const patience = mustHave ? {} : { patienceMs: photoPatienceMs };
        const found = await photo.fetch(this.link, { ...patience, ...(hasOne && { unless: sent }) });
        const mark = found?.mark ?? sent;
        if (mark) photo.notePicture(this.link, mark);
        return found;
      } catch (error) {
        signal.throwIfAborted();
        if (!isReject(error)) {
          if (mustHave)
            throw isRetry(error) && error.code === "photo_refused"
              ? retry("no_photo", `${error.message}; trigger the date again`, { cause: error })
              : error;
          follow("face", { note: known && faceNote(known), lacks: code });
          log.info(`The face of ${labelOf(this.names, this.kib)} follows when the photo comes`);
          return undefined;
        }
        why = error.message;
        if (error.code === "photo_host_not_allowed") code = error.code;
      }
    }
    const whose = labelOf(this.names, this.kib);
    if (hasOne) warn(code, `the old face of ${whose} was kept: ${why}`);
    else if (mustHave) throw reject("no_photo", `${why}; upload a photo in Eposh and trigger the date again`);
    else warn(code, `${whose} has no face: ${why}`);
    return undefined;
  }
}
