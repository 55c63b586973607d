import { defineStage, eposhPage, inductedOn, many, v } from "../src/stage.ts";

/** Splits a page of Eposh into its employees, each one unchanged. */
export default defineStage({
  name: "publisher",
  queue: "hikvision_queue",
  after: "induction",
  emits: "person",
  // A page holds many people, and the later stages are slower anyway.
  concurrency: 4,
  message: v.object({ event: v.literal("HIKVISION_SYNC"), data: eposhPage }),
  async run({ data: { data, pagination } }, { log, meta, records }) {
    const { current_page: page, last_page: last } = pagination;
    log.info(`Received batch: Page ${page}/${last}`);
    log.info(`Publishing ${data.length} employees to CREATE_PERSON queue...`);
    const { inducted, repeats, rivals } = meta;
    const unchanged = meta.skipUnchanged && !meta.refreshFaces ? await records.unchanged(data, inducted) : new Set();
    for (const employee of data) if (!unchanged.has(employee)) log.info(`Published: ${label(employee)}`);
    const sent = `${data.length - unchanged.size}/${data.length} employees sent to CREATE_PERSON queue`;
    log.info(`✓ Batch published: ${sent}${unchanged.size > 0 ? `, ${unchanged.size} are unchanged` : ""}`);
    const messages = data.map((employee, at) => {
      const ends = unchanged.has(employee) ? "the record is unchanged" : undefined;
      return inductedOn(inducted, { employee }, { repeat: repeats.get(at) ?? 0, rival: rivals.get(at), ends });
    });
    return many(messages);
  },
});

const named = v.object({
  name: v.string(),
  kib_number: v.nullish(v.union([v.string(), v.number()]), "none"),
});

function label(employee: unknown): string {
  const { success, output } = v.safeParse(named, employee);
  return success ? `${output.name} (KIB: ${output.kib_number})` : "an employee without a name";
}
