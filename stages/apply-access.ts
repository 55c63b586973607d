import { codeOf, defineStage, isRefusal, v } from "../src/stage.ts";

/** Asks HikCentral to download the access of just these people to the devices. Shipped disabled: many sites have
 * HikCentral do it by itself. */
export default defineStage({
  name: "apply-access",
  queue: "hikvision_apply_access",
  after: "assign-privilege",
  optional: true,
  calls: "batched",
  message: v.object({ personId: v.string() }),
  async run({ personId }, { hikcentral, log, warn }) {
    try {
      await hikcentral.applyAccess(personId);
      log.info(`✓ Access of person ${personId} is on its way to the devices`);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const why = `HikCentral refused with ${codeOf(error)}`;
      warn(
        "access_not_applied",
        `the access of person ${personId} is not on the devices, ${why}; apply it in HikCentral`,
      );
    }
  },
});
