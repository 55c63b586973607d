import type { PhotoSource } from "../../people/types.ts";
import type { Rows, Value } from "../schema.ts";
import { photoPath } from "../unchanged.ts";

/** What the photo link of a person gave when it was asked last. */
export interface RememberedSource extends PhotoSource {
  /** Undefined where an earlier version fetched it. */
  readonly askedAt?: string | undefined;
}

interface Remembering {
  readonly rows: Rows;
  personKey(code: string): string;
}

/** Notes what the link gave now. n.b. The query of a link may be a signature that expires: it is not noted. */
export function noteSource(
  ledger: Remembering & { now(): Date },
  code: string,
  link: string,
  { mark, etag, lastModified }: PhotoSource,
): void {
  const values: Value[] = [ledger.personKey(code), ledger.personKey(photoPath(link)), mark];
  const at = ledger.now().toISOString();
  ledger.rows(
    "insert or replace into sources values (?, ?, ?, ?, ?, ?)",
    ...[...values, etag ?? null, lastModified ?? null, at],
  );
}

/** Undefined where the person came with another link last. */
export function sourceBehind(ledger: Remembering, code: string, link: string): RememberedSource | undefined {
  type Row = { mark: string; etag: string | null; lastModified: string | null; askedAt: string };
  const find =
    "select picture mark, etag, modified lastModified, at askedAt from sources where person = ? and path = ?";
  const [row] = ledger.rows<Row>(find, ledger.personKey(code), ledger.personKey(photoPath(link)));
  return row && { ...row, etag: row.etag ?? undefined, lastModified: row.lastModified ?? undefined };
}
