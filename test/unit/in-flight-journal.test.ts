import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InFlightJournal, journalKey } from "../../src/pipeline/in-flight-journal.ts";

const root = mkdtempSync(join(tmpdir(), "journal-"));
afterAll(() => rmSync(root, { recursive: true }));
const never = new AbortController().signal;
const bad = journalKey("create-person", "bad");
const good = journalKey("create-person", "good");
const third = journalKey("create-person", "third");
const photo = journalKey("update-photo", "photo");

/** A state folder of its own; each `start` is a daemon that finds what the one before left when it was killed. */
function daemons() {
  const folder = mkdtempSync(join(root, "state-"));
  const said: string[] = [];
  const start = (calmAfterMs = 0) => new InFlightJournal({ folder, say: (text) => said.push(text), calmAfterMs });
  /** So many daemons are killed, one after the other, each with these messages: in progress, or waiting for their turn. */
  const dieWith = async (times: number, ...keys: string[]) => {
    for (let ends = 0; ends < times; ends++) {
      const journal = start();
      for (const key of keys) void journal.begin(key === photo ? "update-photo" : "create-person", key, never);
      await Bun.sleep(1);
    }
  };
  return { start, dieWith, said };
}

/** Whether it is still waited for once everything that could resolve it had its turn. */
async function waits(work: Promise<unknown>): Promise<boolean> {
  const turn = Bun.sleep(5).then(() => "waits");
  return (await Promise.race([work, turn])) === "waits";
}

test("after one abrupt end nothing is quarantined: all of a stage runs at a time", async () => {
  const { start, dieWith } = daemons();
  await dieWith(1, bad, good);
  const journal = start();
  await journal.begin("create-person", bad, never);
  expect(await waits(journal.begin("create-person", good, never))).toBe(false);
});

test("what was in progress at two abrupt ends is run one at a time, and no other message waits for it", async () => {
  const { start, dieWith } = daemons();
  await dieWith(2, bad, good);
  const journal = start();
  await journal.begin("create-person", bad, never);
  const next = journal.begin("create-person", good, never);
  expect(await waits(journal.begin("create-person", third, never))).toBe(false);
  expect(await waits(next)).toBe(true);
  journal.settle(bad);
  expect(await waits(next)).toBe(false);
});

test("a stage does not wait for what another stage has in quarantine", async () => {
  const { start } = daemons();
  const fetching = journalKey("induction", "date");
  for (let ends = 0; ends < 2; ends++) {
    const journal = start();
    await journal.begin("induction", fetching, never);
    await journal.begin("create-person", good, never);
  }
  const journal = start();
  await journal.begin("induction", fetching, never);
  expect(await waits(journal.begin("create-person", good, never))).toBe(false);
});

test("what merely was in progress is not blamed while something else was so at more ends", async () => {
  const { start, dieWith } = daemons();
  await dieWith(1, bad);
  await dieWith(2, bad, good, third);
  const journal = start(60_000);
  // At three ends: it waits for a daemon that has lived for a while.
  expect(await waits(journal.begin("create-person", bad, AbortSignal.timeout(1_000)).catch(() => {}))).toBe(true);
  const others = [journal.begin("create-person", good, never), journal.begin("create-person", third, never)];
  expect(await waits(Promise.all(others))).toBe(false);
});

test("what waited for its turn at an abrupt end is not blamed", async () => {
  const { start } = daemons();
  for (let ends = 0; ends < 5; ends++) {
    const journal = start();
    await journal.begin("create-person", good, never);
    journal.waiting(good);
    await journal.begin("create-person", journalKey("create-person", `other ${ends}`), never);
  }
  expect(await waits(start().begin("create-person", good, never))).toBe(false);
});

test("what has its turn again is blamed again", async () => {
  const { start } = daemons();
  for (let ends = 0; ends < 4; ends++) {
    const journal = start();
    await journal.begin("create-person", bad, never);
    journal.waiting(bad)[Symbol.dispose]();
  }
  await expect(start().begin("create-person", bad, never)).rejects.toMatchObject({ code: "crashed_daemon" });
});

test("at three abrupt ends it is tried once more, when the daemon has lived for a while", async () => {
  const { start, dieWith } = daemons();
  await dieWith(3, bad);
  const startedAt = performance.now();
  const journal = start(300);
  await journal.begin("create-person", bad, never);
  expect(performance.now() - startedAt).toBeGreaterThan(295);
});

test("the last tries are made one at a time in all stages, so that the next end knows which it was", async () => {
  const { start, dieWith } = daemons();
  await dieWith(3, bad, photo);
  const journal = start();
  await journal.begin("create-person", bad, never);
  const other = journal.begin("update-photo", photo, never);
  expect(await waits(other)).toBe(true);
  journal.settle(bad);
  expect(await waits(other)).toBe(false);
});

test("whoever is in progress at the fourth abrupt end, alone, is rejected as crashed_daemon, and it alone", async () => {
  const { start, dieWith } = daemons();
  await dieWith(3, bad, good);
  const journal = start();
  await journal.begin("create-person", bad, never);
  await journal.begin("create-person", third, never);
  const after = start();
  await expect(after.begin("create-person", bad, never)).rejects.toMatchObject({
    code: "crashed_daemon",
    message: expect.stringMatching(
      /the daemon crashed 4 times while create-person worked on this message, the last time on it alone/,
    ),
  });
  expect(await waits(after.begin("create-person", good, never))).toBe(false);
});

test("kills in quick succession make nothing a dead letter, however many they are", async () => {
  const { start } = daemons();
  for (let kills = 0; kills < 12; kills++) {
    const journal = start(60_000);
    const killed = AbortSignal.timeout(20);
    for (const key of [bad, good, third]) void journal.begin("create-person", key, killed).catch(() => {});
    await Bun.sleep(5);
  }
  const journal = start();
  for (const key of [bad, good, third]) {
    await journal.begin("create-person", key, never);
    journal.settle(key);
  }
});

test.each([
  ["settled", (journal: InFlightJournal) => journal.settle(bad)],
  ["requeued", (journal: InFlightJournal) => journal.requeue(bad)],
  ["in progress at a clean end", (journal: InFlightJournal) => journal[Symbol.dispose]()],
])("what is %s is not blamed for an end that comes later", async (_, end) => {
  const { start } = daemons();
  for (let ends = 0; ends < 5; ends++) {
    const journal = start();
    await journal.begin("create-person", bad, never);
    end(journal);
    await Bun.sleep(1);
  }
  expect(await waits(start(60_000).begin("create-person", bad, never))).toBe(false);
});

test("a message that got through after three ends begins anew", async () => {
  const { start, dieWith } = daemons();
  await dieWith(3, bad);
  using journal = start();
  await journal.begin("create-person", bad, never);
  journal.settle(bad);
  journal[Symbol.dispose]();
  await dieWith(1, bad);
  expect(await waits(start(60_000).begin("create-person", bad, never))).toBe(false);
});
