import {
  assertSamePerson,
  type Context,
  defineStage,
  isOlder,
  isReject,
  kibNumberOf,
  mayOverwrite,
  type Person,
  personCodeOf,
  readRemark,
  reject,
  retry,
  timesAsTaken,
  v,
  writeRemark,
} from "../src/stage.ts";

const id = v.pipe(v.union([v.string(), v.number()]), v.toString());
const word = v.fallback(v.optional(v.string()), undefined);
const regional = v.looseObject({ name: word, slug: word });

/** What our own check and HikCentral say of a KIB number that its field does not take. */
const refusals = new Set<string>(["bad_kib_number", "incorrect_parameter"]);

/** Sets the KIB field and says which privilege groups the employee's zones stand for. */
export default defineStage({
  name: "update-kib",
  queue: "hikvision_update_kib",
  after: "create-person",
  calls: "single",
  message: v.object({
    personId: id,
    // Of any type: a bad one is this employee's warning, and keeps nothing else.
    kib_number: v.optional(v.unknown()),
    employee: v.looseObject({
      identity_number: v.union([v.string(), v.number()]),
      regionals: v.nullish(v.array(regional)),
    }),
  }),
  async run({ personId, kib_number, employee }, context) {
    const { hikcentral, site, meta, log, warn } = context;
    const person = await hikcentral.personByCode(personCodeOf(employee.identity_number));
    if (!person && !meta.again)
      throw retry("person_not_seen", `person ${personId} is not found by its NIK; HikCentral may need a moment`);
    assertSamePerson(person, personId);

    try {
      await update(person, kibNumberOf(kib_number), context);
    } catch (thrown) {
      // A KIB number that the field refuses holds up nothing else: the zones are granted all the same.
      if (!isReject(thrown) || !refusals.has(thrown.code)) throw thrown;
      warn("bad_kib_number", `the KIB field of person ${personId} is unchanged: ${thrown.message}`);
    }

    const zones = employee.regionals ?? [];
    const slugs = zones.map(({ slug }) => slug ?? "");
    const unknown = slugs.filter((slug) => !(slug in site.regionals));
    const groups = [...new Set(slugs.flatMap((slug) => site.regionals[slug] ?? []))];
    if (zones.length === 0) warn("no_regionals", `person ${personId} has no zone in Eposh: no access is granted`);
    for (const slug of unknown) {
      warn("unknown_regional", `zone ${slug || "without a slug"} has no privilege group; add it to [regionals]`);
    }
    const names = zones.map(({ name, slug }) => `'${name ?? slug ?? "?"}'`).join(", ");
    log.detail(`Mapped regionals: [${names}] → Privilege Groups: [${groups.map((group) => `'${group}'`).join(", ")}]`);
    return { personId, privilege_groups: groups };
  },
});

async function update(person: Person, kib: string | undefined, context: Context): Promise<void> {
  const { hikcentral, meta, memory, log, warn } = context;
  const { personId } = person;
  if (kib === undefined) return warn("no_kib", `person ${personId} has no KIB number in Eposh: the field is unchanged`);
  const current = hikcentral.kibOf(person);
  const note = readRemark(person.remark);
  // The note of 0.1 has no induction date: a KIB that it saw, and did not write last, is of an earlier one.
  const isFormer = note.hasNote && note.inducted === undefined && memory.isFormer("kib", kib);
  if (current !== kib && current !== "" && (isFormer || !mayOverwrite(meta, note, memory)))
    return log.info(`Person ${personId} keeps its KIB, which is that of a later record`);
  if (current !== kib) {
    // HikCentral's own refusal is remembered: every run would meet it again.
    const refusal = memory.refusalOf("kib", kib);
    if (refusal !== undefined) throw reject("bad_kib_number", refusal);
    await hikcentral.setKib(personId, kib).catch((thrown: unknown) => {
      if (isReject(thrown) && thrown.code === "incorrect_parameter") memory.noteRefusal("kib", kib, thrown.message);
      throw thrown;
    });
    await noteOrder(person, context);
  }
  log.info(`✓ Employee ID ${personId} updated with KIB ${kib}`);
}

/** After a KIB was overwritten the remark says by which record, so that no earlier one brings the old KIB back. */
async function noteOrder(before: Person, { hikcentral, meta, site }: Context): Promise<void> {
  const note = readRemark(before.remark);
  const isNoted = note.hasNote && !isOlder(note, meta) && (note.inducted !== undefined || meta.inducted === undefined);
  if (meta.fetchedAt === undefined || hikcentral.kibOf(before) === "" || isNoted) return;
  // n.b. An update sends back all that was read, the KIB included.
  const person = await hikcentral.personByCode(before.personCode);
  if (person?.personId !== before.personId) return;
  const remark = writeRemark(readRemark(person.remark).text, { ...meta, photoMark: note.photoMark });
  if (remark !== person.remark) await hikcentral.updatePerson(person, { ...timesAsTaken(person, site), remark });
}
