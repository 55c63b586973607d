import type { FailureCode } from "../errors/codes.ts";
import { reject } from "../errors.ts";
import { exactText } from "../util/exact-json.ts";

export interface Nik {
  /** HikCentral's personCode. */
  readonly code: string;
  /** The day, month and year of birth that the NIK contains: DDMMYY, for women without the 40 added to the day. */
  readonly born: string | undefined;
  readonly warnings: readonly { code: FailureCode; text: string }[];
}

/** Whether the record's birth_date is the one in the NIK; `unknown` where one of them is missing or no date. */
export type BirthAgreement = "agrees" | "differs" | "unknown";

/** Words that people type where the NIK is not known, maybe several, and digits after them, e.g. TEST0001. */
const placeholder =
  /^(x{3,}|tes(t(ing)?)?|dummy|coba|contoh|sample|te?mp|temporary|sementara|baru|belum|blm|tidak|tdk|tanpa|non?(?=[a-z])|masih|sedang|dalam|ada|punya|tahu|jelas|terbit|jadi|kosong|nihil|menyusul|menunggu|tunggu|proses|pending|urus|hilang|rusak|lupa|e?ktp|nik|paspor|passport|suket|resi|kitas|kitap|wn[ai]|tka|asing|none|null|nan|undefined|unknown|tba|tbd|admin|user|tamu|visitor|karyawan|employee)+$/i;

/** As text without what a form or a spreadsheet adds: full-width digits, blanks, zero-width characters, an apostrophe. */
export const normalNik = (value: unknown): string | undefined =>
  exactText(value)
    ?.normalize("NFKC")
    .replace(/[\s\p{Cf}\p{DI}\u2800]/gu, "")
    .replace(/^['’‘`ʼ′]/, "");

/** Reads an identity_number. Rejects with `bad_identity_number`; the text never quotes it. */
export function readNik(value: unknown): Nik {
  const nik = judge(value);
  if (typeof nik !== "string") return nik;
  throw reject("bad_identity_number", `identity_number ${nik}; correct it in Eposh`);
}

/** The personCode of an identity_number. Rejects with `bad_identity_number`; the text never quotes it. */
export const personCodeOf = (value: unknown): string => readNik(value).code;

/** As personCodeOf, but undefined for what that rejects. */
export function usableNikOf(value: unknown): string | undefined {
  const nik = judge(value);
  return typeof nik === "string" ? undefined : nik.code;
}

/** Compares with `birth_date`, which Eposh gives as `{ "ymd": "1990-01-31" }`. */
export function birthAgreement({ born }: Pick<Nik, "born">, birthDate: unknown): BirthAgreement {
  const ymd = typeof birthDate === "object" && birthDate !== null && "ymd" in birthDate ? birthDate.ymd : birthDate;
  const [, year = "", month = "", day = ""] = /^\d\d(\d\d)-(\d\d)-(\d\d)(?!\d)/.exec(exactText(ymd) ?? "") ?? [];
  if (born === undefined || !isDate(day + month + year)) return "unknown";
  return born === day + month + year ? "agrees" : "differs";
}

/** How many NIKs that end in 0 are no chance any more: one fetch in ten thousand million. */
const roundedFrom = 10;

/**
 * Whether a spreadsheet has rounded the NIKs of one fetch: it keeps 15 digits, so all of them end in 0. Undefined while
 * all of them do and there are fewer than ten.
 */
export function niksRounded(identityNumbers: Iterable<unknown>): boolean | undefined {
  const ofSixteen = new Set<string>();
  for (const value of identityNumbers) {
    const code = normalNik(value) ?? "";
    if (!/^\d{16}$/.test(code)) continue;
    if (!code.endsWith("0")) return false;
    ofSixteen.add(code);
  }
  if (ofSixteen.size === 0) return false;
  return ofSixteen.size >= roundedFrom || undefined;
}

/** Also where all characters but one are the same. */
function isOneCharacter(code: string): boolean {
  const others = Math.min(...[code.charAt(0), code.charAt(1)].map((one) => code.replaceAll(one, "").length));
  return others <= 1 && code.length - others >= 2;
}

/** 1234567890123456 or 9876543210: each digit is one more, or one less, than the one before it. */
const isRun = (code: string) => code.length > 1 && runs.some((run) => run.includes(code));
const runs = ["0123456789".repeat(3), "9876543210".repeat(3)];

/** Or why it is refused. */
function judge(value: unknown): Nik | string {
  const code = normalNik(value);
  if (value == null || code === "") return "is missing";
  if (code === undefined) return "is a number too large to be exact, or no text: send it as text";
  if (/^[\da-z]{1,16}$/i.test(code)) {
    if (isOneCharacter(code)) return "repeats one character: it is a placeholder";
    if (isRun(code)) return "counts up or down: it is a placeholder";
    if (placeholder.test(code.replace(/\d/g, ""))) return "is a word and not a number: it is a placeholder";
  }
  if (/^\d+$/.test(code)) return ofDigits(code);
  if (!/^[\da-z]{5,16}$/i.test(code) || code.replace(/\D/g, "").length < 4)
    return "is neither 16 digits nor a passport number (5 to 16 letters and digits, at least 4 of them digits)";
  return { code, born: undefined, warnings: [] };
}

function ofDigits(code: string): Nik | string {
  const count = `has ${code.length} digits instead of 16`;
  if (code.length >= 13 && code.length <= 15) return `${count}: digits are missing`;
  if (code.length >= 6 && code.length <= 12) {
    const text = `identity_number ${count}: is it a foreign passport? If not, correct it in Eposh`;
    return { code, born: undefined, warnings: [{ code: "unusual_identity_number", text }] };
  }
  if (code.length !== 16) return count;
  const province = Number(code.slice(0, 2));
  if (province < 11 || province > 97) return "begins with no province (11 to 97)";
  if (code.endsWith("0000")) return "ends in 0000, which no NIK does: a spreadsheet may have rounded it";
  const written = Number(code.slice(6, 8));
  const day = written >= 40 ? written - 40 : written;
  const month = Number(code.slice(8, 10));
  const born = String(day).padStart(2, "0") + code.slice(8, 12);
  if (isDate(born)) return { code, born, warnings: [] };
  const isOdd = born === "000000" || (day >= 1 && day <= 31 && (month < 1 || month > 12));
  if (!isOdd) return "has no date of birth in its digits 7 to 12";
  const text = "identity_number has no date of birth in its digits 7 to 12: compare it with the identity card";
  return { code, born: undefined, warnings: [{ code: "odd_identity_number", text }] };
}

/** DDMMYY, in whichever century. */
function isDate(text: string): boolean {
  const [day, month, year] = [text.slice(0, 2), text.slice(2, 4), text.slice(4)].map(Number);
  if (!/^\d{6}$/.test(text) || !day || !month || month > 12) return false;
  return day <= new Date(Date.UTC(2000 + (year ?? 0), month, 0)).getUTCDate();
}
