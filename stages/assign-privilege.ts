import { assertSamePerson, codeOf, defineStage, v } from "../src/stage.ts";

const id = v.pipe(v.union([v.string(), v.number()]), v.toString());

/** Grants the zones' privilege groups. Access is only ever added. */
export default defineStage({
  name: "assign-privilege",
  queue: "hikvision_assign_privilege",
  after: "update-kib",
  calls: "batched",
  message: v.object({ personId: id, privilege_groups: v.array(id) }),
  async run(message, { hikcentral, meta, log }) {
    const { personId, privilege_groups: groups } = message;
    // A message of a foreign publisher does not say whose number it is: there is nothing to check.
    if (meta.code !== undefined) assertSamePerson(await hikcentral.personByCode(meta.code), personId);
    const assign = async (group: string) => {
      if (await hikcentral.inGroup(group, personId)) return;
      await hikcentral.addToGroup(group, personId);
      log.detail(`✓ Person ${personId} added to privilege group ${group}`);
    };
    const results = await Promise.allSettled(groups.map(assign));
    const failures = results.flatMap((result) => (result.status === "rejected" ? [result.reason as unknown] : []));
    if (failures.length > 0) throw failures.find((failure) => codeOf(failure) !== "not_found") ?? failures[0];
    log.info(`Assigned ${groups.length}/${groups.length} privilege groups to person ${personId}`);
    return message;
  },
});
