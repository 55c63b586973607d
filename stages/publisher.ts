import { defineStage, eposhPage, inductedOn, many, v } from "../src/stage.ts";

/** Splits a page of Eposh into its employees, each one unchanged. */
export default defineStage({
  name: "publisher",
  queue: "hikvision_queue",
  after: "induction",
  emits: "person",
  message: v.object({ event: v.literal("HIKVISION_SYNC"), data: eposhPage }),
  run({ data: { data, pagination } }, { log, meta }) {
    const { current_page: page, last_page: last } = pagination;
    log.info(`Received batch: Page ${page}/${last}`);
    log.info(`Publishing ${data.length} employees to CREATE_PERSON queue...`);
    for (const employee of data) log.info(`Published: ${label(employee)}`);
    log.info(`✓ Batch published: ${data.length}/${data.length} employees sent to CREATE_PERSON queue`);
    const { inducted, repeats } = meta;
    return many(data.map((employee, at) => inductedOn(inducted, { employee }, { repeat: repeats.get(at) ?? 0 })));
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
