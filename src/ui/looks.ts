import { lookAt, type WhoView } from "../operator/who/who.ts";
import type { Sessions } from "./sessions.ts";
import type { UiOptions } from "./view.ts";

interface Look {
  views: WhoView[];
  at: number;
  /** Of what had happened to the person by then. */
  newest: string;
}

const maxLooks = 200;
/** A page that stays open is read again at most so often. */
const maxAgeMs = 60_000;
const looks = new WeakMap<Sessions, Map<string, Look>>();

/**
 * What a person's page shows. Upstreams are asked when it is opened; a page that is kept live (`mayBeOld`) asks again when
 * something has happened to the person, or after a minute. Undefined for an address that is no longer known.
 */
export async function lookedAt(handle: string, options: UiOptions, mayBeOld: boolean): Promise<WhoView[] | undefined> {
  const { sessions, operator } = options;
  const { running, ledger } = operator.options;
  const subject = sessions.subjectOf(handle);
  if (subject === undefined || running === undefined) return undefined;
  const known = looks.get(sessions) ?? new Map<string, Look>();
  looks.set(sessions, known);
  const find = `select (select coalesce(max(id), 0) from events where person = ?1 or kib = ?2) || ' ' ||
    (select group_concat(path) from items where person = ?1 or kib = ?2) newest`;
  const [row] = ledger.rows<{ newest: string | null }>(find, subject.person ?? "", subject.kib ?? "");
  const newest = row?.newest ?? "";
  const before = known.get(handle);
  const now = Date.now();
  if (mayBeOld && before && before.newest === newest && now - before.at < maxAgeMs) return before.views;
  const views = await lookAt(operator, running.upstreams, subject);
  known.delete(handle);
  known.set(handle, { views, at: now, newest });
  const [oldest] = known.keys();
  if (known.size > maxLooks && oldest !== undefined) known.delete(oldest);
  return views;
}
