import {
  assertSamePerson,
  defineStage,
  isReject,
  kibNumberOf,
  personCodeOf,
  readRemark,
  retry,
  v,
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
  async run({ personId, kib_number, employee }, { hikcentral, site, meta, log, warn }) {
    const person = await hikcentral.personByCode(personCodeOf(employee.identity_number));
    if (!person && !meta.again)
      throw retry("person_not_seen", `person ${personId} is not found by its NIK; HikCentral may need a moment`);
    assertSamePerson(person, personId);

    const current = hikcentral.kibOf(person);
    const { fetchedAt } = readRemark(person.remark);
    const newer = meta.superseded || (meta.fetchedAt && fetchedAt && fetchedAt > meta.fetchedAt);
    try {
      const kib = kibNumberOf(kib_number);
      if (kib === undefined) {
        warn("no_kib", `person ${personId} has no KIB number in Eposh: the field is unchanged`);
      } else if (newer && current !== "") {
        log.info(`Person ${personId} keeps its KIB, which is newer than this message`);
      } else {
        if (current !== kib) await hikcentral.setKib(personId, kib);
        log.info(`✓ Employee ID ${personId} updated with KIB ${kib}`);
      }
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
