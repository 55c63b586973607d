import type { CodeEntries, CodeEntry } from "./code-entry.ts";
import { comparisonCodes } from "./comparison-codes.ts";
import { daemonCodes } from "./daemon-codes.ts";
import { recordCodes } from "./record-codes.ts";
import { upstreamCodes } from "./upstream-codes.ts";

/** Every code that is ours. The guide's tables and `hikvision-sync explain` are made from it (`npm run docs`). */
export const codes = { ...recordCodes, ...comparisonCodes, ...upstreamCodes, ...daemonCodes };

/**
 * Those of HikCentral's own codes that are not documented share one entry. A site's own stages make up codes as they
 * like: in the declarations that they are checked with this is any string (packaging/sdk-archive.ts).
 */
export type FailureCode = Exclude<keyof typeof codes, `${string}<n>`> | `hikcentral_code_${string}`;

/** Whether many failures in a row with this code say something about an upstream or the set-up, and not about records. */
export function isOfMany(code: string): boolean {
  const entry = entryOf(code);
  return entry === undefined || (entry.cure !== "record" && entry.isOfOne !== true);
}

/** The entry's key in the table. */
export const keyOf = (code: string): string => (code.startsWith("hikcentral_code_") ? "hikcentral_code_<n>" : code);

/** The entry in plain text; undefined for a code that a site's own stage made up. */
export function entryOf(code: string): CodeEntry | undefined {
  const entries: CodeEntries = codes;
  const key = keyOf(code);
  const entry = Object.hasOwn(entries, key) ? entries[key] : undefined;
  const plain = (text: string) => text.replaceAll("`", "");
  return entry && { ...entry, meaning: plain(entry.meaning), todo: plain(entry.todo) };
}
