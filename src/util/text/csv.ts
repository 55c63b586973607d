import { visible } from "./visible.ts";

/** RFC 4180, each row in one line. n.b. A spreadsheet runs what begins like a formula, and names come from strangers. */
export function csvOf(columns: readonly string[], rows: readonly (readonly unknown[])[]): string {
  const cell = (value: unknown) => {
    const text = visible(String(value ?? ""));
    const safe = /^[=+\-@]/.test(text) ? `'${text}` : text;
    return /[",]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return [columns.join(","), ...rows.map((row) => row.map(cell).join(","))].join("\n");
}
