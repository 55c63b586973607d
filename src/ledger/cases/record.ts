import { usableNikOf } from "../../people/nik.ts";
import { exactText } from "../../util/exact-json.ts";

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === "object" && value !== null;

const digest = (length: number, ...parts: string[]) =>
  new Bun.CryptoHasher("sha256").update(parts.join("\n")).digest("hex").slice(0, length);

const nameOf = (employee: unknown): string => (isFields(employee) ? (exactText(employee.name) ?? "") : "");
const normalName = (name: string) =>
  name
    .normalize("NFKC")
    .toLowerCase()
    .replace(/[\s\p{P}\p{Cf}]+/gu, " ")
    .trim();

/** The record in a message, or a message without one as a whole. */
const recordIn = (message: unknown): unknown =>
  isFields(message) && "employee" in message ? message.employee : message;

/** A photo link with a new signature is the same photo. */
export function withoutSignature(employee: unknown): unknown {
  if (!isFields(employee)) return employee;
  const { photo, ...rest } = employee;
  const link = exactText(isFields(photo) ? photo.link : undefined);
  // n.b. Without the query, which may be a signature that expires.
  return { ...rest, photo: link === undefined ? undefined : (URL.parse(link)?.pathname ?? link) };
}

/**
 * Tells one record of Eposh from all others, run after run and stage after stage: by NIK, name and KIB, without a usable
 * NIK by all of it but the photo. After the dot stands what tells its name. It travels in a header, and the ledger keeps
 * keyed hashes of both parts.
 */
export function recordMarkOf(message: unknown): string {
  const record = recordIn(message);
  const name = normalName(nameOf(record));
  const markOfName = digest(16, name);
  const nik = isFields(record) ? usableNikOf(record.identity_number) : undefined;
  if (isFields(record) && nik !== undefined) {
    const kib = exactText(record.kib_number) ?? JSON.stringify(record.kib_number ?? "");
    return `${digest(24, nik, name, kib)}.${markOfName}`;
  }
  // n.b. A task contains its run, and the same dates are the same task.
  const { run: _, ...rest } = isFields(record) ? record : { record };
  const withoutPhotos = JSON.stringify(rest, (key, value) => (key === "photo" ? undefined : value));
  return `${digest(24, withoutPhotos)}.${markOfName}`;
}

/** Tells whether a record has changed since its message became a dead letter. */
export function contentOf(message: unknown): string {
  if (!isFields(message)) return digest(32, JSON.stringify(message) ?? "");
  const { run: _, employee, ...rest } = message;
  return digest(32, JSON.stringify({ ...rest, employee: withoutSignature(employee) }));
}

/** The employee's name as Eposh writes it. */
export const employeeNameOf = (message: unknown): string | undefined =>
  isFields(message) && "employee" in message ? nameOf(message.employee) || undefined : undefined;
