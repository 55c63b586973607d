import {
  assertSamePerson,
  codeOf,
  defineStage,
  isLater,
  isReject,
  type ShownPerson,
  v,
  wholeName,
} from "../src/stage.ts";

const id = v.pipe(v.union([v.string(), v.number()]), v.toString());
/** A message of a stranger may name any number of them. */
const maxGroups = 100;

/** Grants the zones' privilege groups. Access is only ever added. */
export default defineStage({
  name: "assign-privilege",
  queue: "hikvision_assign_privilege",
  after: "update-kib",
  calls: "batched",
  message: v.object({ personId: id, privilege_groups: v.array(id) }),
  async run(message, { hikcentral, meta, memory, log, warn }) {
    const { personId, privilege_groups: named } = message;
    const groups = [...new Set(named.slice(0, maxGroups))];
    if (named.length > maxGroups)
      warn("too_many_zones", `the message names ${named.length} privilege groups: the first ${maxGroups} are granted`);
    let person: ShownPerson | undefined;
    // A message of a foreign publisher does not say whose number it is: there is nothing to check.
    if (meta.code !== undefined) {
      const { again, code } = meta;
      const isHere = (listed: ShownPerson) => listed.personId === personId;
      person = again ? await hikcentral.personByCode(code) : await hikcentral.recentPerson(code, isHere);
      assertSamePerson(person, personId);
    }
    const assign = async (group: string) => {
      const granted = memory.grantOf(group, personId);
      const isNew = granted === undefined || isLater(meta, granted);
      // A short list must not look like what a human took away.
      const isIn = await hikcentral.inGroup(group, personId, { isSure: !isNew, mayBeNew: !meta.again });
      if (isIn) {
        // A later record for the same group: only an induction after that one lifts what a human takes away.
        if (granted !== undefined && isNew) memory.noteGrant(group, personId, meta.inducted, true);
        return;
      }
      if (isIn === false && !isNew) {
        const text = `person ${personId} was taken out of privilege group ${group} in HikCentral: it is not granted until a later induction`;
        return warn("taken_away_in_hikcentral", text);
      }
      await hikcentral.addToGroup(group, personId);
      // What was granted before, and perhaps taken away, was never noted, or the note is lost.
      if (person && isIn === false && granted === undefined && memory.wasFound(personId)) {
        const reason = "whether it was granted before, and taken away, is not noted";
        memory.noteOverwrite({ what: "access", name: wholeName(person), from: "not noted", to: group, reason });
      }
      memory.noteGrant(group, personId, meta.inducted);
      log.detail(`✓ Person ${personId} added to privilege group ${group}`);
    };
    const results = await Promise.allSettled(groups.map(assign));
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    // A group that does not exist is the matter of its zone: the others are granted.
    const missing = failures.filter(isReject).filter(({ code }) => code === "privilege_group_missing");
    for (const { code, message: text } of missing) warn(code, text);
    const others = failures.filter((failure) => codeOf(failure) !== "privilege_group_missing");
    if (others.length > 0) throw others.find((failure) => codeOf(failure) !== "not_found") ?? others[0];
    log.info(`Assigned ${groups.length - missing.length}/${groups.length} privilege groups to person ${personId}`);
    return message;
  },
});
