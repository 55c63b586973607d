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

export function noteAudit(rows: Rows, { at, who, action, what, result }: AuditEntry): void {
  rows("insert into audit (at, who, action, what, result) values (?, ?, ?, ?, ?)", at, who, action, what, result);
}

/** Newest first. */
export const auditOf = (rows: Rows): AuditEntry[] =>
  rows<AuditEntry>("select at, who, action, what, result from audit order by id desc limit ?", shown);
