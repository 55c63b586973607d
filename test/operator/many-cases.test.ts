import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { join } from "node:path";
import type { DeadLetter } from "../../src/ledger/dead-letter-index.ts";
import { tidy } from "../../src/ledger/items/tidy.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { migrations, openOrMoveAside } from "../../src/ledger/schema.ts";
import { createMask } from "../../src/observability/mask.ts";
import { allCasesOf, causesOf, firstOfEach } from "../../src/operator/cases.ts";
import { migrate } from "../../src/util/migrations.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { turnsDuring } from "../support/turns.ts";

const count = 3_000;
const at = "2026-01-05T00:00:00.000Z";
const mask = createMask();

const letterAt = (number: number): DeadLetter => ({
  ...{ id: `letter-${number}`, queue: "hikvision_create_person", stage: "create-person", code: "bad_name" },
  ...{ text: `text ${number}`, attempts: 1, first: at, last: at, case_id: `case-${String(number).padStart(4, "0")}` },
  ...{ content: "", record: `record-${number}`, mark: "", repeat: 0, name: `Budi ${number}` },
});

test("while thousands of cases are noted, listed or chosen, everything else has its turn", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: console.error });
  const letters = Array.from({ length: count }, (_, number) => letterAt(number));
  const { deadLetters } = ledger;

  const noted = await turnsDuring(() => deadLetters.replace("hikvision_create_person")(letters));
  const listed = await turnsDuring(() => allCasesOf(ledger, {}, mask));
  const chosen = await turnsDuring(() => deadLetters.selectAll({}));

  expect(listed.result.map(({ name, letters }) => [name, letters])).toEqual(
    letters.map(({ name }) => [name as string, 1]),
  );
  expect(chosen.result).toHaveLength(count);
  for (const { turns, ms } of [noted, listed, chosen]) expect(turns).toBeGreaterThanOrEqual(ms / 100);
});

test("a cause is shown with all its cases counted, and with the oldest of them", async () => {
  using ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: console.error });
  const later = "2026-01-06T00:00:00.000Z";
  const letters = Array.from({ length: 30 }, (_, number) => letterAt(number));
  const other = { ...letterAt(30), code: "bad_photo", stage: "face", last: later };
  await ledger.deadLetters.replace("hikvision_create_person")([...letters.toReversed(), other]);

  expect(causesOf(ledger)).toEqual([
    { kind: "dead letter", stage: "create-person", code: "bad_name", count: 30, first: at, last: at },
    { kind: "dead letter", stage: "face", code: "bad_photo", count: 1, first: at, last: later },
  ]);
  const [group, ...others] = await firstOfEach(ledger, {}, mask, 3);
  expect(group).toMatchObject({ count: 30, text: "text 0", first: at, last: at });
  expect(group?.cases.map(({ id }) => id)).toEqual(["case-0000", "case-0001", "case-0002"]);
  expect(others).toMatchObject([{ code: "bad_photo", count: 1 }]);
});

test("what is older than keep_days is forgotten some hundred rows at a time, and nothing younger", async () => {
  using db = new Database(":memory:", { strict: true });
  migrate(db, migrations);
  const [old, young] = ["2025-01-01T00:00:00.000Z", "2026-01-01T00:00:00.000Z"];
  const numbers = "with recursive n (n) as (select 1 union all select n + 1 from n where n < 1100)";
  const insert = (into: string, columns: string) =>
    db.query(`${numbers} insert into ${into} select ${columns} from n`).run(old, young);
  insert("held (date, person, repeat, at)", "'2025-01-01', n, 0, iif(n % 11, ?, ?)");
  insert("audit (at, who)", "iif(n % 11, ?, ?), n");
  insert("passed", "n, iif(n % 11, ?, ?), '', 0, '', ''");
  const changes = () => db.query<{ n: number }, []>("select total_changes() n").get()?.n ?? 0;
  const sizes: number[] = [];
  const run = (work: () => void) => {
    const before = changes();
    work();
    sizes.push(changes() - before);
  };
  await tidy({ db, now: new Date("2026-01-05"), keepDays: 90, run, isEnded: () => false, purge: () => {} });

  expect(Math.max(...sizes)).toBeLessThanOrEqual(250);
  for (const [table, time] of [
    ["held", "at"],
    ["audit", "at"],
    ["passed", "fetched"],
  ])
    expect(db.query(`select count(*) n, min(${time}) oldest from ${table}`).get()).toEqual({ n: 100, oldest: young });
});

test("the file shrinks once most of what it held is forgotten", async () => {
  using db = openOrMoveAside(join(temporaryFolder(), "ledger.db"), console.error);
  const numbers = "with recursive n (n) as (select 1 union all select n + 1 from n where n < 20000)";
  db.run(`${numbers} insert into held (date, person, repeat, at) select '2025-01-01', n, 0, '2025-01-01' from n`);
  const pages = () => db.query<{ n: number }, []>("select page_count n from pragma_page_count()").get()?.n ?? 0;
  const before = pages();
  const run = (work: () => void) => db.transaction(work)();
  await tidy({ db, now: new Date("2026-01-05"), keepDays: 90, run, isEnded: () => false, purge: () => {} });

  expect(pages()).toBeLessThan(before / 2);
});
