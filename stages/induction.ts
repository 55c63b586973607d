import { defineStage, type EposhPage, inductedOn, many, niksRounded, reject, v } from "../src/stage.ts";

const fetchesPerDate = 3;

interface Progress {
  /** Employees still wanted; Infinity without a limit. */
  left: number;
  readonly kib: ReadonlySet<string> | undefined;
}

/** Fetches the employees inducted on a date, page by page, and sends each page on as it came. */
export default defineStage({
  name: "induction",
  queue: "hikvision_induction",
  local: true,
  fetches: true,
  emits: "page",
  // One date at a time is gentle on Eposh, and the later stages are slower anyway.
  concurrency: 1,
  // Enough for hundreds of slow pages; RabbitMQ takes a message back after 30 minutes.
  deadlineMs: 25 * 60_000,
  message: v.object({
    run: v.string(),
    dates: v.array(v.string()),
    limit: v.optional(v.number()),
    kib: v.optional(v.array(v.string())),
  }),
  run({ dates, limit, kib }, { eposh, log, warn }) {
    async function* pages() {
      const progress: Progress = { left: limit ?? Number.POSITIVE_INFINITY, kib: kib && new Set(kib) };
      const rounded: string[] = [];
      for (const date of dates) if (yield* exactPagesOf(date, progress)) rounded.push(date);
      if (rounded.length === 0) return;
      const text = "all NIKs end in 0, so a spreadsheet has rounded them; correct them in Eposh, then trigger the date";
      throw reject("niks_rounded", `${rounded.join(", ")}: ${text}`);
    }

    /** The pages of a date, held back until a NIK shows that they are exact. Returns true, and no page, where they are not. */
    async function* exactPagesOf(date: string, progress: Progress) {
      const { left } = progress;
      const niks = new Set<unknown>();
      const held: EposhPage[] = [];
      const message = (data: EposhPage) => inductedOn(date, { event: "HIKVISION_SYNC", data });
      let areExact = false;
      for await (const { employees, wanted } of pagesOf(date, progress)) {
        if (!areExact) {
          for (const employee of employees) niks.add(fieldOf(employee, "identity_number"));
          const isRounded = niksRounded(niks);
          areExact = isRounded === false;
          if (isRounded) {
            progress.left = left;
            return true;
          }
        }
        if (wanted.data.length > 0) held.push(wanted);
        if (areExact) for (const page of held.splice(0)) yield message(page);
      }
      for (const page of held) yield message(page);
      return false;
    }

    async function* pagesOf(date: string, progress: Progress) {
      const sent = new Set<string>();
      for (let fetches = 1; progress.left > 0; fetches++) {
        const seen = new Set<string>();
        let total = 0;
        for (let page = 1, last = 1; page <= last && progress.left > 0; page++) {
          const envelope = await eposh.page(date, page);
          ({ last_page: last, total } = envelope.pagination);
          // Each page but a single one holds somebody: never believe an absurd last_page.
          last = Math.min(last, total);
          for (const employee of envelope.data) seen.add(keyOf(employee));
          const data = chosen(envelope, sent, progress);
          if (data.length > 0) log.info(`Fetched ${date}, page ${page}/${last}: ${data.length} employees`);
          progress.left -= data.length;
          for (const employee of data) sent.add(keyOf(employee));
          yield { employees: envelope.data, wanted: { ...envelope, data } };
        }
        if (seen.size === total || progress.left <= 0) return;
        if (fetches === fetchesPerDate) {
          const numbers = `Eposh counts ${total} employees but gave ${seen.size} different ones`;
          return warn("count_mismatch", `${date}: ${numbers}, after ${fetches} fetches`);
        }
      }
    }

    return many(pages());
  },
});

/** The whole page where it holds a new employee, so that pages travel unchanged; in a limited run only the wanted ones. */
function chosen({ data }: EposhPage, sent: ReadonlySet<string>, { left, kib }: Progress): unknown[] {
  const wanted = kib ? data.filter((employee) => kib.has(kibOf(employee))) : data;
  const fresh = wanted.filter((employee) => !sent.has(keyOf(employee)));
  if (fresh.length === 0) return [];
  return left === Number.POSITIVE_INFINITY ? wanted : fresh.slice(0, left);
}

/** Tells records apart. n.b. Two of one NIK are two, and so are two whose NIK is a hyphen. */
const keyOf = (employee: unknown) => JSON.stringify(employee);

const kibOf = (employee: unknown) => JSON.stringify(fieldOf(employee, "kib_number") ?? "").replace(/^"\s*|\s*"$/g, "");

const fieldOf = (employee: unknown, field: string): unknown =>
  typeof employee === "object" && employee !== null ? (employee as Record<string, unknown>)[field] : undefined;
