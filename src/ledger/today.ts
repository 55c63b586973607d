import type { Rows } from "./schema.ts";

/** Of the employees whom Eposh lists as inducted on a date: how far each one got, in numbers of people. */
export interface Funnel {
  inducted: number;
  person: number;
  face: number;
  kib: number;
  access: number;
  /** With a face and access. */
  canEnter: number;
}

/** Warnings after which a person is without something; the ones of a record end with the next record that passes. */
export const lacking = {
  face: "no_photo photo_host_not_allowed face_refused face_not_stored photo_missing photo_unusable".split(" "),
  kib: "no_kib bad_kib_number kib_field_missing".split(" "),
  access: "no_regionals taken_away_in_hikcentral".split(" "),
};

const listed = (codes: readonly string[]) => codes.map((code) => `'${code}'`).join();
const lacks = (codes: readonly string[]) => `exists (select 1 from events e where e.person = created.person
  and e.outcome = 'warning' and e.at >= created.fetched and e.code in (${listed(codes)}))`;
const passed = (name: string, stage: string) => `left join latest ${name} on ${name}.person = h.person
  and ${name}.stage = '${stage}' and coalesce(${name}.inducted, '') >= ?1`;
/** A face that follows: its last attempt did not end. */
const faceFollows = `coalesce((select outcome from events e where e.person = created.person and e.kind = 'follow'
  and e.stage = 'face' order by e.id desc limit 1), 'done') not in ('done', 'ended')`;

const query = `select count(*) inducted, coalesce(sum(person), 0) person, coalesce(sum(face), 0) face,
    coalesce(sum(kib), 0) kib, coalesce(sum(access), 0) access, coalesce(sum(face and access), 0) canEnter from (
  select created.person is not null person,
    created.person is not null and not ${lacks(lacking.face)} and not ${faceFollows} face,
    numbered.person is not null and not ${lacks(lacking.kib)} kib,
    granted.person is not null and not ${lacks(lacking.access)} access
  from (select distinct person from held h where date = ?1
    and not exists (select 1 from fetches f where f.date = h.date and f.run <> h.run and f.at > h.at)) h
  ${passed("created", "create-person")} ${passed("numbered", "update-kib")} ${passed("granted", "assign-privilege")})`;

const nobody: Funnel = { inducted: 0, person: 0, face: 0, kib: 0, access: 0, canEnter: 0 };

/** `date` is the induction date, YYYY-MM-DD. */
export const funnelOf = (rows: Rows, date: string): Funnel => rows<Funnel>(query, date)[0] ?? nobody;
