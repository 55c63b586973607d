import { photoMark } from "../people/remark.ts";
import type { OtherHolder, OverwriteKind, PersonMemory } from "../people/types.ts";
import { type Other, warnOther, whoseOf } from "./cases/others.ts";
import { lastInductedOf } from "./items/latest.ts";
import type { Ledger } from "./ledger.ts";
import type { Entry } from "./subjects.ts";
import { notePerson } from "./unchanged.ts";

/** Where nothing is remembered. */
export const noPersonMemory: PersonMemory = {
  hasLeft: () => false,
  isFormer: () => false,
  refusalOf: () => undefined,
  noteRefusal: () => {},
  noteOverwrite: () => {},
  decisionOn: () => undefined,
  lastInducted: () => undefined,
  grantOf: () => undefined,
  noteGrant: () => {},
  noteMet: () => {},
  noteRemark: () => {},
  wasFound: () => false,
  noteKib: () => [],
  warnHolder: () => {},
  noteHolder: () => {},
};

/** A KIB number that HikCentral refused is tried again after so long: its field may have been changed there. */
const refusalMs = 86_400_000;

export type MemoryOf = Pick<Entry, "code" | "run" | "kib" | "inducted" | "record" | "repeat" | "fetchedAt">;

/** In the table `refused`: the pair of a record and a person of HikCentral about which an operator is asked. */
export const conflictOf = (record: string) => `conflict ${record}`;

export function memoryOf(ledger: Ledger, of: MemoryOf, onOverwrite: (what: OverwriteKind) => void): PersonMemory {
  const { code, run, kib: kibOfRecord, inducted: day, record = "" } = of;
  if (code === undefined) return noPersonMemory;
  const person = ledger.personKey(code);
  const { rows } = ledger;
  const former = {
    link: "select 1 from links where person = ? and mark = ? and former = 1",
    kib: "select 1 from former_kibs where person = ? and kib = ?",
  };
  const noteRemark = (personId: string, remark: string) => ledger.losses.remarkWritten(person, personId, remark);
  return {
    hasLeft: (noted) => ledger.hasLeft(person, noted),
    isFormer: (what, value) => rows(former[what], person, what === "link" ? photoMark(value) : value).length > 0,
    refusalOf(what, value) {
      const since = what === "kib" ? new Date(ledger.now().getTime() - refusalMs).toISOString() : "";
      const find = "select text from refused where person = ? and what = ? and value = ? and at > ?";
      return rows<{ text: string }>(find, person, what, value, since)[0]?.text;
    },
    noteRefusal(what, value, text) {
      const at = ledger.now().toISOString();
      rows("insert or replace into refused values (?, ?, ?, ?, ?)", person, what, value, text, at);
    },
    decisionOn({ name, kib }, theirs) {
      const plain = [name, kib ?? "", theirs].map((text) => text.normalize("NFKC").toLowerCase().trim());
      const pair = ledger.personKey([code, ...plain].join("\n"));
      const at = ledger.now().toISOString();
      const marks = ledger.cases.marksOf(record);
      rows("insert or replace into refused values (?, ?, ?, '', ?)", person, conflictOf(marks.record), pair, at);
      return ledger.decisions.of(pair);
    },
    noteOverwrite({ what, name, from, to, reason }) {
      const insert = `insert into overwrites (at, person, run, kib, name, what, old, new, inducted, reason)
        values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
      const of = [ledger.now().toISOString(), person, run ?? null, kibOfRecord ?? null];
      rows(insert, ...of, name, what, from, to, day ?? null, reason);
      onOverwrite(what);
    },
    lastInducted: () => lastInductedOf(rows, person),
    grantOf: (group, personId) =>
      rows<{ inducted: string }>(
        "select inducted from grants where person = ? and person_id = ? and privilege_group = ? and lost is null",
        person,
        personId,
        group,
      )[0]?.inducted,
    noteGrant(group, personId, inducted, wasIn = false) {
      const at = ledger.now().toISOString();
      // Of a record without a date: nothing that was inducted up to now is later.
      const day = inducted ?? at.slice(0, 10);
      const note = `insert into grants (person, person_id, privilege_group, inducted, at) values (?, ?, ?, ?, ?)
        on conflict do update set inducted = excluded.inducted, at = iif(?, at, excluded.at), lost = null`;
      rows(note, person, personId, group, day, at, Number(wasIn));
    },
    noteMet(personId, how, remark) {
      if (how === "made") ledger.losses.numberGiven(personId);
      const kind = how === "found" ? how : "made";
      const insert = "insert or ignore into met (person, person_id, how, at) values (?, ?, ?, ?) returning 1";
      const isNew = rows(insert, person, personId, kind, ledger.now().toISOString()).length > 0;
      if (isNew && kind === "made") notePerson(rows);
      if (how === "made") noteRemark(personId, remark ?? "");
      else if (how === "found" && !isNew) ledger.losses.remarkSeen(person, personId, remark ?? "");
    },
    noteRemark,
    wasFound: (personId) =>
      rows("select 1 from met where person = ? and person_id = ? and how = 'found'", person, personId).length > 0,
    noteKib(kib, { personId, name }) {
      const at = ledger.now().toISOString();
      rows(
        "insert or replace into kibs values (?, ?, ?, ?, ?, ?)",
        person,
        kib,
        personId,
        name,
        at,
        whoseOf(ledger, of),
      );
      const find = "select person, person_id personId, name from kibs where kib = ? and person <> ?";
      return rows<OtherHolder>(find, kib, person);
    },
    warnHolder({ person: other }, text) {
      const [found] = rows<Pick<Other, "kib" | "whose">>("select kib, whose from kibs where person = ?", other);
      const warning = { stage: "update-kib", code: "kib_in_use", text, run };
      if (found) warnOther(ledger, { ...found, person: other }, warning);
    },
    noteHolder({ person: other, name: before }, name) {
      if (name === undefined) rows("delete from kibs where person = ?", other);
      else if (name !== before) rows("update kibs set name = ? where person = ?", name, other);
    },
  };
}
