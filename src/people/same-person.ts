import { reject } from "../errors.ts";
import { commonWords, degrees, dottedDegrees, manAndWoman, otherNames, spellings, titles } from "./name-words.ts";
import { hasLetter, type Names } from "./names.ts";
import type { BirthAgreement } from "./nik.ts";
import type { Person } from "./types.ts";

/** Why two records of one NIK are, or are not, taken for the same human being; in words, for whoever decides. */
export const reasons = {
  whole_name: "the whole names agree",
  words: "the words of the shorter name are in the longer one",
  kib: "a word of the names, the KIB and the date of birth agree",
  birth_date: "the names agree, but birth_date is not the date of birth in the NIK",
  sex: "one is a man's name, the other a woman's",
  numbers: "the names contain different numbers",
  nothing_to_compare: "the names have nothing that can be compared",
  too_little: "too little of the names agrees",
  other_name: "the names differ",
} as const;

export interface Verdict {
  readonly same: boolean;
  readonly reason: keyof typeof reasons;
}

export interface Identity extends Names {
  /** "" or undefined where there is none. */
  readonly kib: string | undefined;
}

/**
 * Whether an employee's record and a person of HikCentral with the same NIK are the same human being. In doubt they are
 * not. `birth` tells whether the record's birth_date is the one in the NIK: where it differs, names prove nothing.
 */
export function samePerson(employee: Identity, person: Identity, birth: BirthAgreement): Verdict {
  const [a, b] = [readName(employee), readName(person)];
  const not = (reason: Verdict["reason"]) => ({ same: false, reason });
  if (!a.whole || !b.whole || isLatin(a.whole) !== isLatin(b.whole)) return not("nothing_to_compare");
  if (a.numbers && b.numbers && a.numbers !== b.numbers) return not("numbers");
  if (areManAndWoman(a.marks, b.marks)) return not("sex");

  const found = a.whole === b.whole ? "whole_name" : compareWords(a.counted, b.counted);
  if (found === "whole_name" || found === "words")
    return birth === "differs" ? not("birth_date") : { same: true, reason: found };
  const sharesWord = a.counted.some((word) => isEvidence(word) && b.counted.includes(word));
  if (sharesWord && birth === "agrees" && employee.kib && employee.kib === person.kib)
    return { same: true, reason: "kib" };
  return not(found);
}

/**
 * Rejects with `person_changed` unless this is still the person with that number: after a restore of HikCentral its
 * numbers may belong to others, also those in a message that was never delivered before.
 */
export function assertSamePerson(person: Pick<Person, "personId"> | undefined, personId: string): asserts person {
  if (person?.personId === personId) return;
  const text = `person ${personId} is no longer this employee in HikCentral; trigger the date again`;
  throw reject("person_changed", text);
}

/** One spelling for all: case, diacritics, doubled letters and the spelling of before 1972 do not count. */
const fold = (word: string) =>
  word
    .normalize("NFKD")
    .replace(/\p{M}/gu, "")
    .toLowerCase()
    .replace(/oe/g, "u")
    .replace(/dj/g, "j")
    .replace(/tj/g, "c")
    .replace(/y/g, "i")
    .replace(/[fv]/g, "p")
    .replace(/([a-z])\1+/g, "$1");

const foldLists = () => ({
  spellingOf: new Map(
    spellings.flatMap(([first = "", ...others]) => others.map((other) => [fold(other), fold(first)])),
  ),
  common: new Set(commonWords.map(fold)),
  names: new Set(otherNames.map(fold)),
});
let lists: ReturnType<typeof foldLists> | undefined;
/** Folded when two names are first compared, because a start does not need them. */
const folded = () => (lists ??= foldLists());
const isLatin = (text: string) => /[a-z]/.test(text);
const isInitial = (word: string) => /^[a-z]$/.test(word);
/** n.b. A Chinese name of one or two characters is a whole one. */
const isShort = (word: string) => /^[a-z]{1,2}$/.test(word);
const isEvidence = (word: string) => !isInitial(word) && !folded().common.has(word);

interface Token {
  /** In small letters. */
  text: string;
  dotted: boolean;
}

function readName({ givenName, familyName }: Names) {
  const parts = `${givenName} ${familyName}`.normalize("NFKC").toLowerCase().split(",");
  // n.b. ", Budi" is Budi.
  const beforeComma = (parts.find(hasLetter) ?? "").replace(/['’‘`ʼʻ´\p{Cf}]/gu, "");
  // Where somebody wrote the KIB number into the name.
  const withoutKib = beforeComma.replace(/(?<!\p{L})kib(?=\P{L}*\d)/gu, " ");
  const text = hasLetter(withoutKib) ? withoutKib : beforeComma;
  const numbers = (text.match(/\p{N}+/gu) ?? []).join(" ");
  const tokens = Array.from(text.matchAll(/(\p{L}[\p{L}\p{M}]*)(\.?)/gu), ([, word = "", dot]) => ({
    text: word,
    dotted: dot === ".",
  }));
  const named = withoutTitles(tokens);
  const [first] = named;
  const before = first ? tokens.slice(0, tokens.indexOf(first)) : [];
  const [titlesBefore, kept] = [before, named].map((some) => some.map(({ text }) => text)) as [string[], string[]];
  // M. Rizki is Muhammad Rizki, while the M. of Budi M. may be any name.
  const words = kept.map((word, at) => (word === "m" && at === 0 && kept.length > 1 ? "muhammad" : word)).map(spelt);
  const long = words.filter((word) => !isShort(word));
  return {
    marks: [...titlesBefore, ...kept],
    numbers,
    whole: fold(words.join("")),
    counted: long.length >= 2 ? long : words,
  };
}

const spelt = (word: string) => folded().spellingOf.get(fold(word)) ?? fold(word);

/** A name never loses its last word. */
function withoutTitles(tokens: readonly Token[]): readonly Token[] {
  // "S.Pd.I" is three tokens, "K.H." two.
  for (const count of [4, 3, 2, 1]) {
    if (count >= tokens.length) continue;
    if (isTitle(tokens.slice(0, count))) return withoutTitles(tokens.slice(count));
    if (isDegree(tokens.slice(-count))) return withoutTitles(tokens.slice(0, -count));
  }
  return tokens;
}

const joined = (tokens: readonly Token[]) => tokens.map(({ text }) => text).join("");

const isTitle = (tokens: readonly Token[]) =>
  (tokens.length === 1 && titles.has(joined(tokens))) || (tokens.length === 2 && joined(tokens) === "kh");

function isDegree(tokens: readonly Token[]): boolean {
  const isSpelt = tokens.slice(0, -1).every(({ dotted }) => dotted);
  const isDotted = tokens.some(({ dotted }) => dotted);
  return isSpelt && (degrees.has(joined(tokens)) || (isDotted && dottedDegrees.has(joined(tokens))));
}

const areManAndWoman = (a: readonly string[], b: readonly string[]) =>
  manAndWoman.some(([man, woman]) => (a.includes(man) && b.includes(woman)) || (a.includes(woman) && b.includes(man)));

/** All words of the shorter name must match words of the longer one, no two of them the same. */
function compareWords(a: readonly string[], b: readonly string[]): "words" | "too_little" | "other_name" {
  const [shorter, longer] = a.length <= b.length ? [a, b] : [b, a];
  const [equal, left, others] = withoutEqual(shorter, longer);
  if (shorter.length >= 2) {
    if (equal.some(isEvidence) && areInitials(left, others)) return "words";
    // One typing error, and not beside initials alone.
    for (const word of equal.length > 0 ? left : []) {
      const near = isEvidence(word) ? others.filter((other) => isEvidence(other) && isTypingError(word, other)) : [];
      if (near.some((other) => areInitials(without(left, word), without(others, other)))) return "words";
    }
  }
  return equal.length > 0 ? "too_little" : "other_name";
}

function without(words: readonly string[], word: string): string[] {
  const at = words.indexOf(word);
  return words.filter((_, index) => index !== at);
}

/** The words that both have, and the rest of each. */
function withoutEqual(shorter: readonly string[], longer: readonly string[]): [string[], string[], string[]] {
  let others = [...longer];
  const equal: string[] = [];
  const left: string[] = [];
  for (const word of shorter) {
    if (others.includes(word)) equal.push(word);
    else left.push(word);
    others = without(others, word);
  }
  return [equal, left, others];
}

/** Whether each of `left` is an initial of one of `others`, or has its initial there. */
function areInitials(left: readonly string[], others: readonly string[]): boolean {
  let free = [...others];
  return left.every((word) => {
    const found = free.find((other) => other[0] === word[0] && (isInitial(word) || isInitial(other)));
    if (found !== undefined) free = without(free, found);
    return found !== undefined;
  });
}

const vowel = /[aeiou]/;
/** After which the letter before makes another name: Kar-im and Kas-im, Hal-imah and Ham-imah, Sart-ono and Sarj-ono. */
const nameEnding = /^(i?ono|i?anto|awan|im[aiu]n|ini|iati|(im|in|id|il)?ah|a[lnr]|i[dlmr])$/;

/**
 * One letter's difference in a word of five letters or more. Not at its ends: there it marks sex (Suharto, Suharti;
 * Wahyudi, Wahyuni; Amir, Amira) or makes another name (Hartono, Kartono), as it does after Su- (Sukarno, Sumarno).
 */
function isTypingError(a: string, b: string): boolean {
  const [short, long] = a.length <= b.length ? [a, b] : [b, a];
  if (short.length < 5 || long.length - short.length > 1) return false;
  const { names } = folded();
  if (names.has(a) && names.has(b)) return false;
  let start = 0;
  while (start < short.length && short[start] === long[start]) start++;
  const rest = long.slice(start + 1);
  if (start < 1 || rest.length < 2 || !short.endsWith(rest)) return false;
  if (short.length < long.length) return short.length === start + rest.length;
  const [x = "", y = ""] = [short[start], long[start]];
  const isOtherName = (start === 2 && short.startsWith("su")) || nameEnding.test(rest);
  return vowel.test(x) || vowel.test(y) || !isOtherName;
}
