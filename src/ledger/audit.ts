import type { Rows } from "./schema.ts";

/** What an operator did on the page. */
export interface AuditEntry {
  at: string;
  /** As the operator gave it at the login. */
  who: string;
  /** `replay`, `pause` and so on. */
  action: string;
  /** What it was done to; never a NIK. */
  what: string;
  result: string;
}

const shown = 200;

/** False where it is not kept. */
export function noteAudit(rows: Rows, { at, who, action, what, result }: AuditEntry): boolean {
  const insert = "insert into audit (at, who, action, what, result) values (?, ?, ?, ?, ?) returning id";
  return rows(insert, at, who, action, what, result).length > 0;
}

/** Of somebody's photo. */
export const look = "look";

/** Newest first; looks at photos by themselves, or what was done would drown in them. */
export function auditOf(rows: Rows, of: "deeds" | "looks"): AuditEntry[] {
  const kept = of === "looks" ? "action = ?1" : "action <> ?1";
  return rows<AuditEntry>(
    `select at, who, action, what, result from audit where ${kept} order by id desc limit ?2`,
    look,
    shown,
  );
}
