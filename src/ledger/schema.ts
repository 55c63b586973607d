import { Database, SQLiteError } from "bun:sqlite";
import { chmodSync, existsSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { Exit, exits, textOf } from "../errors.ts";
import { writeAtomically } from "../util/files/atomic-file.ts";
import { letNewShrink, letShrink } from "../util/files/shrink.ts";
import { type Migrations, migrate, versionOf } from "../util/migrations.ts";

export const migrations: Migrations = [
  `
  create table if not exists runs (id text primary key, at text, dates text, tasks int, people_limit int, kib text,
    cancelled text, part int default 0) strict;
  create table if not exists steps (run text, item text, stage text, kind text, outcome text, at text, code text,
    text text, primary key (run, item, stage)) strict, without rowid;
  create table if not exists events (id integer primary key, at text, run text, person text, kib text, kind text,
    stage text, outcome text, attempt int, code text, text text) strict;
  create index if not exists steps_task on steps (run, outcome) where kind = 'task';
  create index if not exists events_person on events (person);
  create index if not exists events_kib on events (kib);
  create index if not exists events_warning on events (run) where outcome = 'warning';
  create table if not exists links (mark text, person text, run text, kib text, at text, told int default 0,
    primary key (mark, person)) strict, without rowid;
  create table if not exists faces (person text primary key, mark text, at text) strict, without rowid;
  create table if not exists latest (person text, stage text, fetched text, primary key (person, stage)) strict, without rowid;
`,
  `
  alter table events add column item text;
  alter table runs add column closed text;
  update runs set closed = 'before';
`,
  `
  alter table latest add column inducted text;
  alter table latest add column repeat int default 0;
  alter table links add column former int default 0;
  update links set former = 1;
  create table former_kibs (person text, kib text, primary key (person, kib)) strict, without rowid;
  insert into former_kibs select distinct person, kib from events where person is not null and kib is not null;
  create table held (date text, person text, repeat int, run text, at text, primary key (date, person, repeat))
    strict, without rowid;
  create table fetches (date text primary key, run text, at text) strict, without rowid;
  create table kibs (person text primary key, kib text, person_id text, name text, at text) strict, without rowid;
  create index kibs_kib on kibs (kib);
  create table refused (person text, what text, value text, text text, at text, primary key (person, what)) strict, without rowid;
`,
  "alter table links add column picture text",
  `
  create table overwrites (id integer primary key, at text, person text, run text, kib text, name text, what text,
    old text, new text, inducted text, reason text) strict;
  create index overwrites_person on overwrites (person);
  create index overwrites_at on overwrites (at);
  create table grants (person text, person_id text, privilege_group text, inducted text, at text,
    primary key (person, person_id, privilege_group)) strict, without rowid;
`,
  `
  create table dead_letters (queue text, id text, copies int default 1, stage text, code text, text text, attempts int,
    first text, last text, run text, kib text, name text, fetched text, primary key (queue, id)) strict, without rowid;
`,
  `
  create table met (person text, person_id text, how text, at text, primary key (person, person_id)) strict, without rowid;
`,
  "create table audit (id integer primary key, at text, who text, action text, what text, result text) strict",
  `
  create table cases (id text primary key, record text, person text, name text, kib text, stage text, code text, kind text,
    text text, first text, last text, runs int, last_run text, inducted text, repeat int, fetched text,
    absent int default 0, held_run text, closed text, why text) strict, without rowid;
  create index cases_record on cases (record);
  create index cases_person on cases (person);
  create index cases_open on cases (inducted) where closed is null;
  drop table dead_letters;
  create table dead_letters (queue text, id text, copies int default 1, stage text, code text, text text, attempts int,
    first text, last text, run text, kib text, name text, fetched text, case_id text, content text, record text,
    person text, mark text, inducted text, repeat int, primary key (queue, id)) strict, without rowid;
  create index dead_letters_case on dead_letters (case_id);
  alter table steps add column case_id text;
  alter table latest add column name text;
`,
  `
  create table unchanged (person text primary key, item text, mark text, settings text, at text) strict, without rowid;
  create table facts (name text primary key, value int) strict, without rowid;
`,
  "create table indexed (broker text) strict",
  `
  create table words (id integer primary key, text text unique) strict;
  create table numbered (no integer primary key autoincrement, id text unique, at text, dates text, tasks int,
    people_limit int, kib text, cancelled text, part int default 0, closed text, folded int default 0) strict;
  insert into numbered (id, at, dates, tasks, people_limit, kib, cancelled, part, closed)
    select id, at, dates, tasks, people_limit, kib, cancelled, part, closed from runs order by at;
  drop table runs;
  alter table numbered rename to runs;
  create table items (run int, item text, kind text, person text, kib text, at int, path text, odd text, over int,
    primary key (run, item)) strict, without rowid;
  create table stuck (run int, item text, stage text, kind text, code text, text text, case_id text,
    primary key (run, item, stage)) strict, without rowid;
  create table tallies (run int, kind text, stage text, outcome text, n int, text text,
    primary key (run, kind, stage, outcome)) strict, without rowid;
  drop index events_warning;
  create temp table known as select coalesce(run, '') run, item, max(person) person, max(kib) kib, min(at) first
    from events where item is not null group by 1, 2;
  create unique index temp.known_item on known (run, item);
  create temp table passed as select distinct s.run, s.item, s.stage from events e join steps s
    on s.run = coalesce(e.run, '') and s.item = e.item and s.stage = e.stage and s.at = e.at
    where s.outcome = 'done' and e.outcome = 'done' and e.attempt = 0 and e.kind <> 'follow';
  create unique index temp.passed_item on passed (run, item, stage);
  delete from events where outcome = 'done' and attempt = 0 and exists (select 1 from passed p join steps s
    using (run, item, stage) where p.run = coalesce(events.run, '') and p.item = events.item and p.stage = events.stage
      and s.at = events.at);
  insert into words (text) select distinct stage from passed;
  insert into items select coalesce(no, 0), iif(s.kind in ('person', 'follow'), substr(s.item, 1, 12), s.item), s.kind,
      k.person, k.kib, cast(round(unixepoch(coalesce(k.first, min(s.at)), 'subsec') * 1000) as int),
      coalesce(group_concat(w.id || '.' ||
        cast(round((unixepoch(s.at, 'subsec') - unixepoch(k.first, 'subsec')) * 1000) as int), ' '), ''),
      nullif(json_group_object(s.stage, s.outcome) filter (where w.id is null), '{}'), 0
    from steps s left join runs r on r.id = s.run left join known k on k.run = s.run and k.item = s.item
      left join passed p on p.run = s.run and p.item = s.item and p.stage = s.stage left join words w on w.text = p.stage
    group by s.run, s.item;
  insert into stuck select coalesce(no, 0), iif(kind in ('person', 'follow'), substr(item, 1, 12), item), stage, kind, code,
    text, case_id from steps s left join runs r on r.id = s.run where outcome = 'dead';
  insert into tallies select coalesce(no, 0), kind, stage, outcome, count(*), null
    from steps s left join runs r on r.id = s.run group by 1, 2, 3, 4;
  insert into tallies select run, kind, '', 'items', count(*), null from items group by 1, 2;
  insert into tallies select no, 'warning', code, '', count(distinct coalesce(e.person, e.kib, e.id)), min(text)
    from events e join runs r on r.id = e.run where outcome = 'warning' group by no, code;
  update events set item = substr(item, 1, 12) where kind in ('person', 'follow');
  update unchanged set item = substr(item, 1, 12);
  drop table known;
  drop table passed;
  drop table steps;
  create index items_person on items (person) where person is not null;
  create index items_kib on items (kib) where kib is not null;
  create index stuck_case on stuck (case_id);
  create view seen as select i.person, i.kib, r.id run, strftime('%Y-%m-%dT%H:%M:%fZ', i.at / 1000.0, 'unixepoch') at
      from items i left join runs r on r.no = i.run
    union all select person, kib, run, at from events;
`,
  `
  alter table unchanged add column photo text;
  create table members (person text primary key) strict, without rowid;
`,
  `
  create table passed (person text, fetched text, inducted text, repeat int, name text, stages text,
    primary key (person, fetched, inducted, repeat, name)) strict, without rowid;
  insert or ignore into words (text) select distinct stage from latest;
  insert into passed select person, fetched, coalesce(inducted, ''), coalesce(repeat, 0), coalesce(name, ''),
    ' ' || group_concat(w.id, ' ') || ' ' from latest join words w on w.text = stage group by 1, 2, 3, 4, 5;
  drop table latest;
  create view latest as select person, w.text stage, fetched, nullif(inducted, '') inducted, repeat, nullif(name, '') name
    from passed join words w on instr(stages, ' ' || w.id || ' ') > 0;
  alter table held add column far int;
  create table funnels (date text primary key, inducted int, person int, face int, kib int, access int, canEnter int)
    strict, without rowid;
`,
  `
  create table comparisons (at text, employees int, differing int, fixable int, unmatched int, unchecked int, trouble text)
    strict;
`,
  `
  alter table links add column whose text;
  alter table kibs add column whose text;
  update kibs set name = name ->> '$' where json_valid(name);
  create index links_person on links (person);
`,
  "alter table cases add column awaited int default 0",
  `
  create table losses (person text, how text, at text, seen text, primary key (person, how)) strict, without rowid;
  alter table grants add column lost int;
  alter table met add column noted text;
  alter table met add column noted_at text;
  alter table met add column lost int;
`,
  `
  alter table runs add column started_by text;
  alter table comparisons add column dates text;
  alter table comparisons add column fixed int default 1;
`,
  "alter table comparisons add column twins int default 0",
  `
  create index met_number on met (person_id);
  create index grants_number on grants (person_id);
  create index cases_awaited on cases (last_run) where closed is null and awaited;
`,
  `
  create table sources (person text primary key, path text, picture text, etag text, modified text, at text)
    strict, without rowid;
`,
];

export type Value = string | number | null;
/** For reading and for small writes; the answer is empty where the ledger cannot be used. */
export type Rows = <Row>(sql: string, ...values: Value[]) => Row[];

const keyBytes = 32;

/** The key is not in the ledger, so that a copy of the ledger alone tells no NIK. */
export function keyIn(folder: string): Buffer {
  const file = join(folder, "ledger.key");
  if (!existsSync(file)) writeAtomically(file, crypto.getRandomValues(new Uint8Array(keyBytes)));
  const key = readFileSync(file);
  if (key.length === keyBytes) return key;
  const fix = "put a backup in its place, or remove it: then employees of former runs are not recognised in traces";
  throw new Exit(exits.config, `${file} holds ${key.length} bytes instead of ${keyBytes}: ${fix}`);
}

/** Whether an error passes: no room, no permission, a lock. The file and the write are in order. */
export const isPassing = (error: unknown): boolean =>
  error instanceof SQLiteError && /^SQLITE_(FULL|IOERR|BUSY|CANTOPEN|READONLY)/.test(error.code ?? "");

/** Moves a damaged file aside and says so: its content is not essential. */
export function openOrMoveAside(file: string, say: (text: string) => void): Database {
  try {
    return open(file);
  } catch (error) {
    // Without room or permission the file is still good.
    if (!/SQLITE_(CORRUPT|NOTADB)/.test(String((error as { code?: unknown }).code))) throw error;
    const aside = `${file}.damaged-${Date.now()}`;
    for (const end of ["", "-wal", "-shm"]) if (existsSync(file + end)) renameSync(file + end, aside + end);
    say(`ledger.db cannot be read (${textOf(error)}) and was moved to ${aside}: its history is lost, no employee is`);
    return open(file);
  }
}

/** n.b. Bun keeps 20 statements of a database; the ledger has more, and would prepare the others again at each use. */
const maxStatements = 200;

function open(file: string): Database {
  if (existsSync(file)) check(file);
  Database.MAX_QUERY_CACHE_SIZE = maxStatements;
  const db = new Database(file, { create: true, strict: true });
  chmodSync(file, 0o600);
  letNewShrink(db);
  db.run("pragma journal_mode = wal");
  db.run("pragma busy_timeout = 2000");
  migrate(db, migrations);
  db.run("pragma synchronous = normal");
  letShrink(db, isPassing);
  return db;
}

/** Before anything is written: a damaged file must be kept as it is. */
function check(file: string): void {
  using db = new Database(file, { readonly: true });
  const isNewer = versionOf(db) > migrations.length;
  const [[verdict] = []] = isNewer ? [["written by a newer version"]] : db.query("pragma quick_check(1)").values();
  if (verdict !== "ok") throw Object.assign(new Error(String(verdict)), { code: "SQLITE_CORRUPT" });
}
