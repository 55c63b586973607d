import * as fc from "fast-check";
import { randomFrom } from "../../src/simulator/fault-server.ts";
import { employee, nikOf } from "../../src/simulator/people.ts";
import { exactText } from "../../src/util/exact-json.ts";

export type Employee = Record<string, unknown>;

const born = "1990-01-31";
const letters = fc.string({ unit: "grapheme", maxLength: 40 });
/** Values of every type, as a form, a spreadsheet or a broken export leaves them. */
const junk = fc.oneof(
  fc.constantFrom<unknown>(null, undefined, "", " ", "-", "NA", "belum ada", "0", 0, -1, 1.5, 3.2e15, true, [], {}, [
    [],
  ]),
  fc.constantFrom(
    "\u0000",
    "\u202e",
    "\ud800",
    "😀",
    "'",
    '"><script>',
    "../../etc/passwd",
    "%00",
    "\r\nX: y",
    "9".repeat(5000),
  ),
  letters,
  fc.double(),
  fc.anything({
    maxDepth: 2,
    withBigInt: false,
    withDate: false,
    withMap: false,
    withSet: false,
    withTypedArray: false,
  }),
);
/** A link of this record alone: that two of them share one would be a trouble of its own. */
const link = (path: string) => (record: Employee) => ({ link: path.replace("NUMBER", String(record.mark)) });
/** Whoever is called so cannot be told from somebody else: correcting the name is a conflict, which an operator decides. */
const isName = (given: unknown) =>
  typeof given !== "object" && given !== undefined && /\p{L}/u.test(String(given).normalize("NFKC"));
/** A KIB number that two have is a trouble of both. */
const ofOneAlone = (given: unknown) => (record: Employee) => {
  if (Number.isSafeInteger(given)) return Number(`${given}${record.mark}`);
  return typeof given === "string" && given.trim() !== "" ? given + record.mark : given;
};
/** Whoever has such a NIK is a second person, who is left over when it is corrected: `kib_in_use`, for an operator. */
const isNumberOfSomebody = (given: unknown) => /^[\p{L}\d]{5,16}$/u.test(exactText(given) ?? "");
/** Still the name of the same human being. */
const longer = (text: string) => (record: Employee) => `${record.name} ${text}`;

/** One field of an ordinary record, or what makes it of the record, and one kind of trouble with it. `photos` is where the photos are. */
const troubles = (photos: string, deadPort: number) =>
  fc.oneof(
    fc.record({
      name: fc.oneof(
        junk.filter((one) => !isName(one)),
        letters.map(longer),
        fc.constant(longer("x".repeat(400))),
      ),
    }),
    fc.record({ identity_number: junk.filter((one) => !isNumberOfSomebody(one)) }),
    fc.record({
      identity_number: fc.constantFrom("0".repeat(16), "1234567890123456", "320102310190000", "32010231019000011"),
    }),
    fc.record({ kib_number: junk.map(ofOneAlone) }),
    fc.record({ birth_date: fc.oneof(junk, fc.record({ ymd: junk })) }),
    fc.record({
      photo: fc.oneof(
        junk,
        junk.map((one) => ({ link: one })),
      ),
    }),
    fc.record({
      photo: fc
        .constantFrom("page", "bomb", "damaged", "endless", "missing", "forbidden", "broken")
        .map((kind) => link(`${photos}/${kind}/-NUMBER.png`)),
    }),
    fc.record({
      photo: fc.constantFrom(
        link(`http://127.0.0.1:${deadPort}/NUMBER.jpg`),
        link("https://drive.google.com/file/d/made-up-NUMBER/view"),
        link("ftp://127.0.0.1/NUMBER.jpg"),
        link("http://[::1"),
        link(`data:image/png;base64,${"A".repeat(2000)}`),
      ),
    }),
    fc.record({ regionals: fc.oneof(junk, fc.array(fc.oneof(junk, fc.record({ name: junk, slug: junk })))) }),
  );

export interface Mixed {
  readonly good: readonly Employee[];
  /** Each has a KIB number and a NIK of its own where these are not the trouble. `mark` tells them apart. */
  readonly bad: readonly Employee[];
  /** The bad ones as they are once Eposh is corrected. */
  readonly corrected: readonly Employee[];
  readonly seed: number;
}

/** A word for each number, none like another. */
const inLetters = (number: number) =>
  [...String(number).padStart(5, "0")]
    .map((digit) => "kadesimoturabelofinuga".slice(2 * Number(digit)).slice(0, 2))
    .join("");

/** So many records, the same ones for the same seed. */
export function mixed(options: { good: number; bad: number; photos: string; deadPort: number; seed: number }): Mixed {
  const { photos, deadPort, seed } = options;
  const ordinary = (number: number): Employee => ({
    ...employee(number, seed, `${photos}/kib/-${1_767_600_000 + number}.png`),
    name: `Contoh ${inLetters(number)}`,
    identity_number: nikOf(number, born),
    birth_date: { ymd: born },
    mark: number,
  });
  const numbers = (first: number, count: number) => Array.from({ length: count }, (_, at) => first + at);
  const corrected = numbers(50_000, options.bad).map(ordinary);
  const samples = fc.sample(troubles(photos, deadPort), { numRuns: options.bad, seed });
  const bad = corrected.map((record, at) => {
    const trouble = Object.entries(samples[at] as Employee);
    const own = trouble.map(([name, value]) => [name, typeof value === "function" ? value(record) : value]);
    return { ...record, ...Object.fromEntries(own) };
  });
  return { good: numbers(1, options.good).map(ordinary), bad, corrected, seed };
}

/** Both kinds among each other. */
export function shuffled(all: readonly Employee[], seed: number): Employee[] {
  const random = randomFrom(seed);
  return all
    .map((one) => ({ one, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ one }) => one);
}
