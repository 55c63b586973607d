import type { Secret } from "../config/secret.ts";
import type { FailureCode } from "../errors/codes.ts";
import { type Failure, Reject, Retry, Unavailable } from "../errors.ts";

type Kind = "reject" | "retry" | "setup" | "outage";
type Meaning = readonly [codes: readonly number[], kind: Kind, code: FailureCode, says: string];

/** Two generations of gateway: 64-69 is V3's, 0x0240100x is Artemis's. */
const table: readonly Meaning[] = [
  [[2], "reject", "incorrect_parameter", "rejects a value"],
  [[3, 4, 6, 0x00052101, 0x00052102, 0x00052103, 0x00052104], "retry", "hikcentral_busy", "is busy"],
  [[5], "outage", "hikcentral_service_exception", "has a service exception, e.g. of its database or disk"],
  [[8, 12], "setup", "hikcentral_not_supported", "does not know this call: check hikcentral.url and its version"],
  [[64, 0x02401001], "setup", "hikcentral_wrong_key", "does not know the partner key: check hikcentral.app_key"],
  [[68, 0x02401003], "setup", "hikcentral_wrong_signature", "rejects the signature: check hikcentral.app_secret"],
  [[69, 0x02401007], "setup", "hikcentral_not_permitted", "does not permit this call: tick its API for the partner"],
  [[0x02401009], "setup", "hikcentral_call_limit", "reports that the partner's call limit is reached"],
  [[128], "reject", "not_found", "reports that the object does not exist"],
  [[129], "reject", "hikcentral_device_offline", "reports that a device is offline"],
  [[130], "reject", "hikcentral_no_permission", "reports that the partner has no permission"],
  [[131], "reject", "already_exists", "already has this object"],
  [[132, 0x00072203], "setup", "hikcentral_licence", "has no licence, or no room for more persons: extend the licence"],
  [[140, 192, 193, 194, 195], "reject", "hikcentral_operation_failed", "reports that the operation failed"],
];
/** It answers so for one person too, while it serves others. */
const mayBeOne = new Set([5, 8, 12]);
const refused: Meaning = [[], "setup", "hikcentral_refused", "rejects the partner: check key, secret and rights"];
const meanings = new Map(table.flatMap((meaning) => meaning[0].map((code) => [code, meaning])));
const meaningOf = (code: number): Meaning | undefined =>
  meanings.get(code) ?? ((code >= 65 && code <= 67) || code >> 4 === 0x240100 ? refused : undefined);

/** Refusals that mean "not for this partner, or not in this version". Some reads are optional and may end in one. */
export const mayNotRead = new Set<FailureCode | undefined>([
  "hikcentral_not_permitted",
  "hikcentral_no_permission",
  "hikcentral_not_supported",
]);

/** "0", "131", "0x02401003", or the same as a number; NaN for anything else. */
const numberOf = (code: string | number) => (/^(0x[\da-f]+|\d+)$/i.test(String(code)) ? Number(code) : Number.NaN);

export const isSuccess = (code: string | number): boolean => numberOf(code) === 0;

/** n.b. The msg of a rejected signature echoes the key and the signed text; others may quote a NIK. */
function redacted(message: string, appKey: Secret): string {
  return message
    .replaceAll(appKey.reveal(), "[key]")
    .replace(/(and\s+)?StringToSign.*/is, "[removed]")
    .replace(/app_?key\s*[:=]\s*\S+/gi, "appKey [removed]")
    .replace(/[\w+/-]{43}=/g, "[removed]")
    .replace(/\d{16,}/g, "[digits]")
    .replace(/\s+/g, " ")
    .trim()
    .slice(0, 200);
}

/** The failure that a code other than success means for the message in progress. */
export function failureFor(call: string, code: string | number, message: string, appKey: Secret): Failure {
  const number = numberOf(code);
  const shown = number > 0xffff ? `0x${number.toString(16).padStart(8, "0")}` : String(code).slice(0, 20);
  const unknown: FailureCode = `hikcentral_code_${shown.toLowerCase().replace(/\W+/g, "_")}`;
  const [, kind, name, says] = meaningOf(number) ?? [[], "retry", unknown, "answered with an unknown code"];
  const text = `HikCentral ${says} (${call}, code ${shown}: ${redacted(message, appKey) || "no message"})`;
  if (kind === "reject") return new Reject(name, text);
  if (kind === "retry") return new Retry(name, text);
  return new Unavailable("hikcentral", text, { code: name, reason: kind, mayBeOne: mayBeOne.has(number) });
}
