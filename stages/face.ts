import {
  birthAgreement,
  type Context,
  defineStage,
  type End,
  end,
  faceNote,
  isEnd,
  isReject,
  isRetry,
  labelOf,
  mayOverwrite,
  namesOf,
  type Person,
  type Photo,
  readNik,
  readRemark,
  reasonOf,
  reject,
  replaceFace,
  retry,
  samePerson,
  takenAway,
  usableKibOf,
  v,
  wholeName,
  writeRemark,
} from "../src/stage.ts";

/** What create-person has accepted already. */
const message = v.object({
  employee: v.looseObject({
    name: v.string(),
    identity_number: v.union([v.string(), v.number()]),
    kib_number: v.optional(v.unknown()),
    birth_date: v.optional(v.unknown()),
    photo: v.looseObject({ link: v.string() }),
  }),
});

type Employee = v.InferOutput<typeof message>["employee"];

/** Gives a person the face whose photo could not be had when the person was made or updated. */
export default defineStage({
  name: "face",
  queue: "hikvision_face",
  follows: "create-person",
  concurrency: 4,
  message,
  async run({ employee }, context) {
    const { hikcentral, meta, memory, log } = context;
    const found = await personFor(employee, context);
    if (isEnd(found)) return found;
    const { note } = found;
    const photo = await photoOf(employee, context, found.person.hasFace ? note.photoMark : undefined);
    if (!photo) return end("the person has this face already");
    // The photo may have taken its time, and somebody may have changed the person meanwhile.
    const now = await personFor(employee, context);
    if (isEnd(now)) return now;
    const { person } = now;
    const { personId, personCode } = person;
    const isAccepted = await replaceFace({ personId, personCode, photo }, context);
    if (!isAccepted && !person.hasFace) return end("HikCentral refused the face");
    if (person.hasFace && isAccepted) {
      const name = wholeName(namesOf(employee.name));
      const [from, reason] = [now.note.photoMark ?? "unknown", reasonOf(meta, now.note)];
      memory.noteOverwrite({ what: "face", name, from, to: photo.mark, reason });
    }
    const remark = writeRemark(now.note.text, { ...now.note, photoMark: photo.mark });
    const remembers = readRemark(remark).photoMark === photo.mark;
    if (!remembers) context.photo.noteSent(photo.mark);
    else if (remark !== person.remark) {
      await hikcentral.updatePerson(person, { remark });
      memory.noteRemark(personId, remark);
    }
    log.info(`✓ Person ${personId} has the face that was missing`);
    return undefined;
  },
});

interface Found {
  readonly person: Person;
  readonly note: ReturnType<typeof readRemark>;
}

/** The person as HikCentral has them now; an end where this face is not wanted any more. */
async function personFor(employee: Employee, context: Context): Promise<Found | End> {
  const { hikcentral, meta, memory } = context;
  const nik = readNik(employee.identity_number);
  const person = await hikcentral.personByCode(nik.code);
  if (!person && !meta.again)
    throw retry("person_not_seen", "the person is not found by the NIK; HikCentral may need a moment");
  if (!person) return end("the person is no longer in HikCentral");
  const taken = takenAway(person, context);
  if (taken !== undefined) return end(taken);
  const note = readRemark(person.remark);
  if (!mayOverwrite(meta, note, memory)) return end("HikCentral already has the data of a later record");
  if (person.hasFace && faceNote(person) !== meta.noted) return end("the person has another face by now");
  const ours = { ...namesOf(employee.name), kib: usableKibOf(employee.kib_number) };
  const theirs = { ...person, kib: hikcentral.kibOf(person) };
  const isSame =
    samePerson(ours, theirs, birthAgreement(nik, employee.birth_date)).same ||
    memory.decisionOn({ name: wholeName(ours), kib: ours.kib }, wholeName(theirs)) === "same";
  if (isSame) return { person, note };
  return end("HikCentral's person may be another human being");
}

/**
 * Undefined where it is the picture with the mark `sent`. What will never come, or has not come in time, is rejected; all
 * else is tried again, and is a case as long as it lasts.
 */
async function photoOf(employee: Employee, context: Context, sent: string | undefined): Promise<Photo | undefined> {
  const { photo, site, meta, signal } = context;
  const link = employee.photo.link.trim();
  const code = meta.noted === undefined ? ("no_photo" as const) : ("photo_not_updated" as const);
  try {
    const found = await photo.fetch(link, { unless: sent });
    const mark = found?.mark ?? sent;
    if (mark) photo.notePicture(link, mark);
    return found;
  } catch (error) {
    signal.throwIfAborted();
    if (isReject(error)) {
      if (error.code === "photo_host_not_allowed") throw error;
      throw reject(code, `${error.message}; upload a photo in Eposh and trigger the date again`, { cause: error });
    }
    if (!isRetry(error)) throw error;
    const { message: text, afterMs } = error;
    if (meta.ageMs >= site.photoGiveUpAfterMs) throw reject(code, `${text}; trigger the date again`, { cause: error });
    const whose = labelOf(namesOf(employee.name), usableKibOf(employee.kib_number));
    const what = code === "no_photo" ? `${whose} has no face` : `the old face of ${whose} was kept`;
    const end = new Date(meta.firstSeenAt.getTime() + site.photoGiveUpAfterMs);
    const lacks = { code, text: `${what}: ${text}. The photo is tried again until ${minuteIn(site.timeZone, end)}` };
    throw retry(error.code, text, { cause: error, afterMs, repeats: true, lacks });
  }
}

/** 2026-01-31 07:05 */
const minuteIn = (timeZone: string, at: Date) =>
  at.toLocaleString("sv-SE", { timeZone, dateStyle: "short", timeStyle: "short" });
