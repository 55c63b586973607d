import {
  assertSamePerson,
  defineStage,
  end,
  isReject,
  kibNumberOf,
  personCodeOf,
  replaceKib,
  takenAway,
  v,
} from "../src/stage.ts";

const id = v.pipe(v.union([v.string(), v.number()]), v.toString());

/** Sets the KIB numbers that had to wait for their field in HikCentral: the persons have their access already. */
export default defineStage({
  name: "kib",
  queue: "hikvision_kib",
  follows: "update-kib",
  calls: "single",
  message: v.object({
    personId: id,
    kib_number: v.optional(v.unknown()),
    employee: v.looseObject({ identity_number: v.union([v.string(), v.number()]) }),
  }),
  async run({ personId, kib_number, employee }, context) {
    const { hikcentral, log, warn } = context;
    const person = await hikcentral.personByCode(personCodeOf(employee.identity_number));
    assertSamePerson(person, personId);
    const taken = takenAway(person, context);
    if (taken !== undefined) return end(taken);
    const kib = kibNumberOf(kib_number);
    if (kib === undefined) return end("the record has no KIB number");
    try {
      if (!(await replaceKib(person, kib, context))) return end("HikCentral has the KIB number of a later record");
    } catch (thrown) {
      if (!isReject(thrown) || (thrown.code !== "bad_kib_number" && thrown.code !== "incorrect_parameter"))
        throw thrown;
      warn("bad_kib_number", `the KIB field of person ${personId} is unchanged: ${thrown.message}`);
      return end("the field refuses the KIB number");
    }
    log.info(`✓ Employee ID ${personId} updated with KIB ${kib}, which had to wait for its field`);
    return undefined;
  },
});
