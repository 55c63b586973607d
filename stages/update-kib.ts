import {
  assertSamePerson,
  type Context,
  codeOf,
  defineStage,
  isReject,
  kibNumberOf,
  personCodeOf,
  replaceKib,
  retry,
  type ShownPerson,
  takenAway,
  usableKibOf,
  v,
  wholeName,
} from "../src/stage.ts";

const id = v.pipe(v.union([v.string(), v.number()]), v.toString());
const word = v.fallback(v.optional(v.string()), undefined);
const regional = v.fallback(v.looseObject({ name: word, slug: word }), {});

/** More say nothing about a person, but of who wrote the record. */
const maxZones = 100;
const maxWordLength = 80;
const short = (word: string) => (word.length > maxWordLength ? `${word.slice(0, maxWordLength)}…` : word);

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
      // Of any type too: what is no list of zones grants nothing.
      regionals: v.fallback(v.nullish(v.array(regional)), undefined),
    }),
  }),
  async run({ personId, kib_number, employee }, context) {
    const { hikcentral, site, meta, log, warn } = context;
    const code = personCodeOf(employee.identity_number);
    /** What a list shows wrong is looked at singly. */
    const isRight = (listed: ShownPerson) =>
      listed.personId === personId &&
      takenAway(listed, context) === undefined &&
      hikcentral.kibOf(listed) === (usableKibOf(kib_number) ?? hikcentral.kibOf(listed));
    const person = meta.again ? await hikcentral.personByCode(code) : await hikcentral.recentPerson(code, isRight);
    if (!person && !meta.again)
      throw retry("person_not_seen", `person ${personId} is not found by its NIK; HikCentral may need a moment`);
    assertSamePerson(person, personId);

    const taken = takenAway(person, context);
    if (taken !== undefined) {
      warn("taken_away_in_hikcentral", taken);
      return { personId, privilege_groups: [] };
    }
    try {
      await update(person, kibNumberOf(kib_number), context);
    } catch (thrown) {
      // A KIB number that the field refuses holds up nothing else: the zones are granted all the same.
      if (!isReject(thrown) || !refusals.has(thrown.code)) throw thrown;
      warn("bad_kib_number", `the KIB field of person ${personId} is unchanged: ${thrown.message}`);
    }

    const { regionals } = employee;
    const zones = (regionals ?? []).slice(0, maxZones);
    if (regionals && regionals.length > maxZones) {
      const text = `person ${personId} has ${regionals.length} zones in Eposh: the first ${maxZones} are used`;
      warn("too_many_zones", text);
    }
    const slugs = zones.map(({ slug }) => slug ?? "");
    const unknown = slugs.filter((slug) => !Object.hasOwn(site.regionals, slug));
    const groups = [
      ...new Set(slugs.flatMap((slug) => (Object.hasOwn(site.regionals, slug) ? (site.regionals[slug] ?? []) : []))),
    ];
    if (zones.length === 0) warn("no_regionals", `person ${personId} has no zone in Eposh: no access is granted`);
    for (const slug of unknown) {
      warn("unknown_regional", `zone ${short(slug) || "without a slug"} has no privilege group; add it to [regionals]`);
    }
    const names = zones.map(({ name, slug }) => `'${short(name ?? slug ?? "?")}'`).join(", ");
    log.detail(`Mapped regionals: [${names}] → Privilege Groups: [${groups.map((group) => `'${group}'`).join(", ")}]`);
    return { personId, privilege_groups: groups };
  },
});

async function update(person: ShownPerson, kib: string | undefined, context: Context): Promise<void> {
  const { hikcentral, memory, log, warn, follow } = context;
  const { personId } = person;
  if (kib === undefined) return warn("no_kib", `person ${personId} has no KIB number in Eposh: the field is unchanged`);
  try {
    if (!(await replaceKib(person, kib, context)))
      return log.info(`Person ${personId} keeps its KIB, which is that of a later record`);
  } catch (thrown) {
    if (codeOf(thrown) !== "kib_field_missing") throw thrown;
    // Access does not wait for the field.
    follow("kib", { lacks: "kib_field_missing" });
    return warn("kib_field_missing", `the KIB number of person ${personId} waits for its field in HikCentral`);
  }
  log.info(`✓ Employee ID ${personId} updated with KIB ${kib}`);
  const name = wholeName(person);
  for (const other of memory.noteKib(kib, { personId, name })) {
    const present = await hikcentral.holderOf(kib, other);
    memory.noteHolder(other, present);
    if (present === undefined) continue;
    const textAbout = (one: { personId: string; name: string }) =>
      `KIB ${kib} is also that of ${JSON.stringify(one.name)} (person ${one.personId}): compare the two in Eposh and HikCentral`;
    warn("kib_in_use", textAbout({ ...other, name: present }));
    memory.warnHolder(other, textAbout({ personId, name }));
    // One is enough: of a number that hundreds have, each would be searched for at each of them.
    return;
  }
}
