import { expect, test } from "bun:test";
import { Ledger } from "../../src/ledger/ledger.ts";
import { memoryOf } from "../../src/ledger/person-memory.ts";
import { temporaryFolder } from "../support/leaks.ts";

const code = "3500003101900001";
const situation = { code: "taken_away_in_hikcentral", text: "not in privilege group 1", personCode: code } as const;

/** A ledger where group 1 was granted to person 7 at noon, whose number was given again at `lostAt`. */
function granted(lostAt: string, foundAt: string) {
  let time = "2026-01-05T12:00:00.000Z";
  const ledger = new Ledger({ folder: temporaryFolder(), keepDays: 90, say: () => {}, now: () => new Date(time) });
  const memory = memoryOf(
    ledger,
    { code, run: undefined, kib: undefined, inducted: "2026-01-05", fetchedAt: undefined },
    () => {},
  );
  memory.noteMet("7", "found");
  memory.noteGrant("1", "7", "2026-01-05");
  const other = memoryOf(
    ledger,
    { code: "3500003101900002", run: undefined, kib: undefined, inducted: "2026-01-05", fetchedAt: undefined },
    () => {},
  );
  other.noteMet("8", "made");
  time = foundAt;
  ledger.found([{ ...situation, record: "a record", kib: undefined, name: "Budi", inducted: "2026-01-05" }]);
  time = lostAt;
  other.noteMet("8", "made");
  const [from, to] = ["2026-01-05T11:59:00Z", "2026-01-05T12:01:00Z"] as const;
  const [loss] = ledger.losses.recent();
  ledger.losses.forget(ledger.losses.writesBetween(Date.parse(from), Date.parse(to)), String(loss?.seen), [from, to]);
  return { ledger, grant: memory.grantOf("1", "7") };
}

test("access that was found missing by the pass that found the restore is granted again", () => {
  const { ledger, grant } = granted("2026-01-06T02:05:00.000Z", "2026-01-06T02:00:00.000Z");
  using _ = ledger;
  expect(grant).toBeUndefined();
});

test("access that was found missing before the restore was taken away by a human, and stays away", () => {
  const { ledger, grant } = granted("2026-01-07T02:05:00.000Z", "2026-01-06T02:00:00.000Z");
  using _ = ledger;
  expect(grant).toBe("2026-01-05");
});
