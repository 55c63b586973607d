import * as v from "valibot";

const count = v.pipe(v.number(), v.integer(), v.minValue(1));
/** Which dead letters or cases; without ids, stage, code and run all of them. */
export const selection = v.strictObject({
  ids: v.optional(v.array(v.string())),
  stage: v.optional(v.string()),
  code: v.optional(v.string()),
  run: v.optional(v.string()),
  limit: v.optional(count),
  /** Dead letters a second. */
  rate: v.optional(count),
  dryRun: v.optional(v.boolean()),
  /** Also replay data that is over a day old. */
  stale: v.optional(v.boolean()),
  /** Confirms that all are meant. */
  all: v.optional(v.boolean()),
});
export type Selection = v.InferOutput<typeof selection>;

/** Dead letters that were kept, and why. */
export interface Skipped {
  text: string;
  count: number;
}

export interface BatchResult {
  /** Replayed or dropped, or would have been. */
  count: number;
  left: Skipped[];
  /** IDs that nothing has, or more than one case. */
  unknown: string[];
  /** The failure that ended the batch early. */
  trouble?: string;
}

export interface DropResult extends BatchResult {
  /** What was dropped is in it. */
  file?: string;
}

/** A dead letter, or a case by itself. */
interface Named {
  id: string;
  case_id?: string;
}

/** Whether an id that an operator gives is its own or its case's, or how one of them begins. */
export const isOf =
  (id: string) =>
  ({ id: own, case_id }: Named): boolean =>
    own.startsWith(id) || (case_id?.startsWith(id) ?? false);

/** Which of what was found are meant. The beginning of an id is meant for one case, and not for whichever else begins like it. */
export function meantBy(ids: readonly string[] | undefined, found: readonly Named[]) {
  const isOne = (id: string) => new Set(found.filter(isOf(id)).map(({ id, case_id = id }) => case_id)).size === 1;
  const [clear, unknown]: [string[], string[]] = [[], []];
  for (const id of ids ?? []) (isOne(id) ? clear : unknown).push(id);
  return { isMeant: (one: Named) => ids === undefined || clear.some((id) => isOf(id)(one)), unknown };
}
