import {
  Claims,
  defineStage,
  type EposhPage,
  inductedOn,
  many,
  niksRounded,
  reject,
  usableNikOf,
  v,
} from "../src/stage.ts";

const fetchesPerDate = 3;
/** After so many pages in a row that brought nobody new, a date has no more. */
const maxRepeated = 3;
/** Nobody inducts so many on a date. */
const maxEmployees = 100_000;
/** So many of a date are held back until all of it is there; of more, what is known by then decides. */
const maxHeld = 1_000;

interface Progress {
  /** Employees still wanted; Infinity without a limit. */
  left: number;
  readonly kib: ReadonlySet<string> | undefined;
}

/** A page as it is sent on. */
interface Wanted {
  readonly data: EposhPage;
  readonly repeats: ReadonlyMap<number, number>;
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

    /**
     * The pages of a date, held back until they show that the NIKs are exact, and who else has the same one. Returns true,
     * and no page, where they are not.
     */
    async function* exactPagesOf(date: string, progress: Progress) {
      const { left } = progress;
      const niks = new Set<unknown>();
      const claims = new Claims();
      const held: Wanted[] = [];
      const messageOf = ({ data, repeats }: Wanted) =>
        inductedOn(date, { event: "HIKVISION_SYNC", data }, { repeats, rivals: claims.rivalsIn(data.data) });
      let areExact = false;
      let seen = 0;
      try {
        for await (const { employees, wanted } of pagesOf(date, progress)) {
          claims.add(employees);
          seen += employees.length;
          if (!areExact) {
            for (const employee of employees) niks.add(fieldOf(employee, "identity_number"));
            const isRounded = niksRounded(niks);
            areExact = isRounded === false;
            if (isRounded) {
              progress.left = left;
              return true;
            }
          }
          if (wanted.data.data.length > 0) held.push(wanted);
          if (areExact && seen > maxHeld) for (const page of held.splice(0)) yield messageOf(page);
        }
      } catch (thrown) {
        // A page that cannot be had keeps nobody of the others waiting.
        if (areExact) for (const page of held) yield messageOf(page);
        throw thrown;
      }
      for (const page of held) yield messageOf(page);
      return false;
    }

    async function* pagesOf(date: string, progress: Progress) {
      const sent = new Set<number>();
      for (let fetches = 1; progress.left > 0; fetches++) {
        const seen = new Set<number>();
        const repeatOf = counting();
        let total = 0;
        let repeated = 0;
        const mayGoOn = () => progress.left > 0 && repeated < maxRepeated && seen.size < maxEmployees;
        for (let page = 1, last = 1; page <= last && mayGoOn(); page++) {
          const before = seen.size;
          const envelope = await eposh.page(date, page);
          ({ last_page: last, total } = envelope.pagination);
          // Each page but a single one holds somebody: never believe an absurd last_page.
          last = Math.min(last, total);
          for (const key of keysOf(envelope.data)) seen.add(key);
          repeated = seen.size === before ? repeated + 1 : 0;
          const repeat = new Map(envelope.data.map((employee) => [employee, repeatOf(employee)]));
          const data = chosen(envelope, sent, progress);
          if (data.length > 0) log.info(`Fetched ${date}, page ${page}/${last}: ${data.length} employees`);
          progress.left -= data.length;
          for (const employee of data) sent.add(keyOf(employee));
          const repeats = new Map(data.flatMap((one, at) => (repeat.get(one) ? [[at, repeat.get(one) ?? 0]] : [])));
          yield { employees: envelope.data, wanted: { data: { ...envelope, data }, repeats } };
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
function chosen({ data }: EposhPage, sent: ReadonlySet<number>, { left, kib }: Progress): unknown[] {
  const wanted = kib ? data.filter((employee) => kib.has(kibOf(employee))) : data;
  const fresh = wanted.filter((employee) => !sent.has(keyOf(employee)));
  if (fresh.length === 0) return [];
  return left === Number.POSITIVE_INFINITY ? wanted : fresh.slice(0, left);
}

const hashOf = (text: string) => new Bun.CryptoHasher("sha256").update(text).digest().readUIntBE(0, 6);
const keys = new WeakMap<object, number>();

/**
 * Tells records apart. n.b. Two of one NIK are two, and so are two whose NIK is a hyphen. A hash, because the keys of a
 * whole date are kept; of 48 bits, which a number holds: in one of 50,000 dates of the largest size two records share one.
 * Made once, because each record is asked for it four times.
 */
const keyOf = (employee: unknown): number => {
  const key = () => hashOf(JSON.stringify(employee));
  return typeof employee === "object" && employee !== null ? keys.getOrInsertComputed(employee, key) : key();
};

/** Two equal records on one page are two; on two pages they may be one that moved while the date was paged. */
function keysOf(employees: readonly unknown[]): number[] {
  const counts = new Map<number, number>();
  return employees.map((employee) => {
    const key = keyOf(employee);
    const count = counts.get(key) ?? 0;
    counts.set(key, count + 1);
    return count === 0 ? key : hashOf(`${key} ${count}`);
  });
}

/** For each record of a fetch, in order: how many other records of its NIK came before it. */
function counting(): (employee: unknown) => number {
  const records = new Map<number, number>();
  const repeats = new Map<number, number>();
  return (employee) => {
    const nik = usableNikOf(fieldOf(employee, "identity_number"));
    if (nik === undefined) return 0;
    const [key, owner] = [keyOf(employee), hashOf(nik)];
    const repeat = repeats.get(key) ?? records.get(owner) ?? 0;
    if (!repeats.has(key)) records.set(owner, repeat + 1);
    repeats.set(key, repeat);
    return repeat;
  };
}

const kibOf = (employee: unknown) => JSON.stringify(fieldOf(employee, "kib_number") ?? "").replace(/^"\s*|\s*"$/g, "");

const fieldOf = (employee: unknown, field: string): unknown =>
  typeof employee === "object" && employee !== null ? (employee as Record<string, unknown>)[field] : undefined;
