import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { passesOf } from "../../src/ledger/items/path.ts";
import { migrations } from "../../src/ledger/schema.ts";
import { photoMark, readRemark } from "../../src/people/remark.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { migrate } from "../../src/util/migrations.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { type Body, budi, type Site, startSite } from "../support/site.ts";

const [first, second] = ["2026-01-01", "2026-01-02"];
const dates = { from: first, to: second };
const linkOf = (site: Site, number: number) => `${site.eposh.origin}/photos/kib/-${1_767_600_000 + number}.png`;
const person = (site: Site, number: number, photo: number, changes: Body = {}) =>
  budi(site, {
    name: `Budi Contoh ${String.fromCharCode(65 + number).repeat(3)}wan`,
    identity_number: nikOf(100 + number, "1990-01-31"),
    kib_number: String(9_300_000 + number),
    photo: { link: linkOf(site, photo) },
    ...changes,
  });

interface Item {
  run: string;
  item: string;
  kind: string;
  person: string | null;
  kib: string | null;
  at: number;
  path: string;
}

/** The ledger as 0.1 would have written it. */
function toOldLedger(folder: string): void {
  const file = join(folder, "ledger.db");
  renameSync(file, `${file}.new`);
  using db = new Database(file, { create: true });
  migrate(db, migrations.slice(0, 2));
  db.run("attach ? as later", [`${file}.new`]);
  db.run("insert into latest select person, stage, fetched from later.latest");
  db.run("insert into links select mark, person, run, kib, at, told from later.links");
  const runs = "id, at, dates, tasks, people_limit, kib, cancelled, part, closed";
  db.run(`insert into runs (${runs}) select ${runs} from later.runs`);
  const items = db.query<Item, []>("select i.*, r.id run from later.items i join later.runs r on r.no = i.run").all();
  for (const { run, item, kind, person, kib, at, path } of items)
    for (const { stage, afterMs, why } of passesOf(path)) {
      const [name] = db.query<{ text: string }, number[]>("select text from later.words where id = ?").all(stage);
      const when = new Date(at + afterMs).toISOString();
      const outcome = why === undefined ? "done" : "ended";
      const event = [when, run, person, kib, kind, name?.text ?? "", outcome];
      db.run(
        "insert into events (at, run, person, kib, kind, stage, outcome, attempt) values (?,?,?,?,?,?,?,0)",
        event,
      );
      const step = [run, item, name?.text ?? "", kind, outcome, when];
      db.run("insert or replace into steps (run, item, stage, kind, outcome, at) values (?,?,?,?,?,?)", step);
    }
  db.run("detach later");
}

/** The notes as 0.1 would have written them: of the link that was sent last. */
function toOldNotes(site: Site, last: ReadonlyMap<string, string>): void {
  for (const one of site.hikcentral.persons.values()) {
    const { fetchedAt, text } = readRemark(one.remark);
    const at = fetchedAt?.toISOString().replace(/[-:]/g, "");
    one.remark = `${text} [hs ${at} ${photoMark(last.get(one.personCode) ?? "")}]`.trim();
  }
}

test("an upgrade from 0.1 writes nothing and sends no face, also to those who stand on two dates", async () => {
  await using site = await startSite({ folder: temporaryFolder() });
  const once = Array.from({ length: 8 }, (_, number) => person(site, number, number));
  const again = once.slice(0, 4).map((_, number) => {
    // Another photo, another KIB number, both, or another spelling.
    const other = { kib_number: String(9_400_000 + number) };
    return [
      person(site, number, 50 + number),
      person(site, number, number, other),
      person(site, number, 50 + number, other),
      person(site, number, 50 + number, { name: "Budi Contoh DDDwan, S.T." }),
    ][number] as Body;
  });
  site.eposh.days.set(first, once);
  site.eposh.days.set(second, again);
  const through = { status: "done", employees: 12, through: 12, dead: 0, warnings: [] };
  expect(await site.induct(dates)).toMatchObject(through);
  await site.stop();
  const links = [...once, ...again].map((one) => {
    const { identity_number, photo } = one as { identity_number: string; photo: { link: string } };
    return [identity_number, photo.link] as const;
  });
  toOldNotes(site, new Map(links));
  toOldLedger(site.folder);
  const before = structuredClone(site.hikcentral.state().persons);
  const pictures = [...site.hikcentral.persons.values()].map(({ picture }) => picture);
  site.deeds();

  await site.start();
  for (const _ of [1, 2]) {
    expect(await site.induct(dates)).toMatchObject(through);
    const { photo: __, ...writes } = site.deeds();
    expect(writes).toEqual({});
  }
  expect(site.hikcentral.state().persons).toEqual(before);
  expect([...site.hikcentral.persons.values()].map(({ picture }) => picture)).toEqual(pictures);

  // What is new since then is written, and the note is that of this version.
  site.eposh.days.set(first, [...once.slice(0, 7), person(site, 7, 70, { kib_number: "9500007" })]);
  await site.induct(dates);
  expect(site.deeds()).toMatchObject({ "face/update": 1, "personId/customFieldsUpdate": 1 });
  expect(site.person(nikOf(107, "1990-01-31"))?.remark).toMatch(/^\[hs2 20260101 /);
});
