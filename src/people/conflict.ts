import { isReject, reject } from "../errors.ts";
import { usableKibOf } from "./kib.ts";
import { type Names, namesOf, wholeName } from "./names.ts";
import { type BirthAgreement, birthAgreement, readNik } from "./nik.ts";
import { type Identity, reasons, samePerson } from "./same-person.ts";
import type { Decision, PersonMemory } from "./types.ts";

const personWrong = "an operator decided that HikCentral's person is wrong: correct it there";
export const recordWrong = "an operator decided that this record is wrong: it is not used until it changes";

/** Both names and both KIB numbers fit into what a dead letter keeps of a text. */
const longestName = 40;

/** "Budi Santoso" (KIB 2600001) */
export function labelOf(names: Names, kib: string | undefined): string {
  const name = wholeName(names);
  const shown = name.length > longestName ? `${name.slice(0, longestName)}…` : name;
  return `"${shown}" (${kib ? `KIB ${kib}` : "no KIB"})`;
}

/** One of the two whom a conflict is about. */
export interface Side {
  name: string;
  kib: string | undefined;
}

const label = (side: string) => `"(?<${side}Name>.*)" \\((?:KIB (?<${side}Kib>.*?)|no KIB)\\)`;
const [inHikCentral, inEposh] = [
  `${label("our")} at Eposh has the NIK of ${label("their")} in HikCentral \\(person `,
  `${label("our")} has the same NIK as ${label("their")} of that date at Eposh: `,
].map((pattern) => new RegExp(`^${pattern}`, "s"));

/**
 * Both of them, from the text of an `identity_conflict`: the record's, and the other one in HikCentral or in Eposh.
 * n.b. Undefined too for a name that is written like such a text.
 */
export function sidesOf(text: string): { ours: Side; theirs: Side & { isInEposh: boolean } } | undefined {
  const isInEposh = inEposh?.test(text) ?? false;
  const { ourName, ourKib, theirName, theirKib } = (isInEposh ? inEposh : inHikCentral)?.exec(text)?.groups ?? {};
  if (ourName === undefined || theirName === undefined) return undefined;
  if (/ NIK (of|as) | in HikCentral | at Eposh/.test(ourName + theirName)) return undefined;
  return { ours: { name: ourName, kib: ourKib }, theirs: { name: theirName, kib: theirKib, isInEposh } };
}

/**
 * Rejects with `identity_conflict` unless the person is clearly this employee, or an operator has decided otherwise: what
 * was decided is returned, and a record that was found wrong must not be used. Where birth_date contradicts the NIK, equal
 * names let through only what overwrites nothing: a second delivery of the record that made the person.
 */
export function assertSameHuman(
  employee: Identity,
  person: Identity & { readonly personId: string },
  {
    birth,
    overwrites,
    memory,
  }: { birth: BirthAgreement; overwrites: boolean; memory: Pick<PersonMemory, "decisionOn"> },
): Decision | undefined {
  const { same, reason } = samePerson(employee, person, birth);
  if (same || (reason === "birth_date" && !overwrites)) return undefined;
  const decided = memory.decisionOn({ name: wholeName(employee), kib: employee.kib }, wholeName(person));
  if (decided === "same" || decided === "record-wrong") return decided;
  const [ours, theirs] = [labelOf(employee, employee.kib), labelOf(person, person.kib)];
  throw reject(
    "identity_conflict",
    `${ours} at Eposh has the NIK of ${theirs} in HikCentral (person ${person.personId}): ${decided ? personWrong : reasons[reason]}`,
  );
}

/**
 * Before a person is made: rejects with `identity_conflict` where another record of that induction date has the same NIK
 * and is another human being, unless an operator has decided. `rival` is the other one's label.
 */
export function assertNoRival(
  employee: Identity,
  rival: string | undefined,
  memory: Pick<PersonMemory, "decisionOn">,
): Decision | undefined {
  if (rival === undefined) return undefined;
  const decided = memory.decisionOn({ name: wholeName(employee), kib: employee.kib }, rival);
  if (decided === "same" || decided === "record-wrong") return decided;
  const ours = labelOf(employee, employee.kib);
  throw reject(
    "identity_conflict",
    `${ours} has the same NIK as ${rival} of that date at Eposh: the names differ, and birth_date does not say that the NIK is this one's`,
  );
}

/** Who a record says that its NIK belongs to. */
export interface Claim extends Identity {
  /** HikCentral's personCode. */
  readonly code: string;
  readonly birth: BirthAgreement;
}

/** Undefined where no person is made of the record anyway. */
export function claimOf(employee: unknown): Claim | undefined {
  const { name, identity_number, kib_number, birth_date } = Object(employee) as Record<string, unknown>;
  try {
    const nik = readNik(identity_number);
    const birth = birthAgreement(nik, birth_date);
    return { ...namesOf(name), code: nik.code, kib: usableKibOf(kib_number), birth };
  } catch (thrown) {
    if (isReject(thrown)) return undefined;
    throw thrown;
  }
}

/**
 * Of records with one NIK that belong to several human beings: whose claim stands against each of them, or undefined for
 * one that may go on. Where the date of birth of exactly one human being is the one in the NIK, that one goes on; else
 * nobody does.
 */
export function rivalsAmong(claims: readonly Claim[]): ReadonlyMap<Claim, Claim> {
  const humans: Claim[][] = [];
  for (const claim of claims) {
    const own = humans.find((human) => human.some((one) => isSame(one, claim)));
    if (own) own.push(claim);
    else humans.push([claim]);
  }
  const agreeing = humans.filter((human) => human.some(({ birth }) => birth === "agrees"));
  const winner = agreeing.length === 1 ? agreeing[0] : undefined;
  const rivals = new Map<Claim, Claim>();
  for (const human of humans) {
    const [rival] = winner ?? humans.find((other) => other !== human) ?? [];
    if (rival && human !== winner) for (const claim of human) rivals.set(claim, rival);
  }
  return rivals;
}

/** Records are folded by their names, and where a part of a name, the KIB and one date of birth speak for it. */
const isSame = (a: Claim, b: Claim) =>
  samePerson(a, b, a.birth === "agrees" || b.birth === "agrees" ? "agrees" : "unknown").same;

/** Of one NIK: real ones have two or three. Whoever comes after them is compared with them alone. */
const maxClaims = 10;

/** The claim of one record, and the place that it has among those of its NIK. */
interface Placed {
  readonly claim: Claim;
  readonly place: number;
}

/** The claims of a date, as its pages come. */
export class Claims {
  /** At most `maxClaims` of each NIK. n.b. As JSON: a date may have many thousands, and objects take twice the memory. */
  readonly #byCode = new Map<string, string>();
  /** n.b. Pages that went on are not kept. */
  readonly #of = new WeakMap<object, Placed>();

  add(employees: readonly unknown[]): void {
    for (const employee of employees) {
      const claim = claimOf(employee);
      if (!claim) continue;
      const others = this.#allOf(claim.code);
      this.#of.set(Object(employee), { claim, place: others.length });
      if (others.length < maxClaims) this.#byCode.set(claim.code, JSON.stringify([...others, claim]));
    }
  }

  /** Position → the name and the KIB number of the rival. */
  rivalsIn(employees: readonly unknown[]): ReadonlyMap<number, string> {
    const placed = employees.map((employee) => this.#of.get(Object(employee)));
    const codes = new Set(placed.flatMap((one) => one?.claim.code ?? []));
    const known = new Map([...codes].map((code) => [code, this.#allOf(code)]));
    const rivals = new Map([...known].map(([code, all]) => [code, rivalsAmong(all)]));
    return new Map(
      placed.flatMap((one, at): [number, string][] => {
        const code = one?.claim.code ?? "";
        const rival = one && rivalOf(one, known.get(code) ?? [], rivals.get(code) ?? new Map());
        return rival ? [[at, labelOf(rival, rival.kib?.slice(0, 32))]] : [];
      }),
    );
  }

  #allOf(code: string): Claim[] {
    return JSON.parse(this.#byCode.get(code) ?? "[]") as Claim[];
  }
}

function rivalOf(
  { claim, place }: Placed,
  known: readonly Claim[],
  rivals: ReadonlyMap<Claim, Claim>,
): Claim | undefined {
  const itself = known[place];
  if (itself) return rivals.get(itself);
  const other = known.find((one) => !rivals.has(one)) ?? known.find((one) => !isSame(one, claim));
  return other && !isSame(other, claim) ? other : undefined;
}
