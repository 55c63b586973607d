import { expect, test } from "bun:test";
import { join } from "node:path";
import { openSqlite } from "../../src/broker/sqlite/sqlite-broker.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { createMask } from "../../src/observability/mask.ts";
import { DeadLetters } from "../../src/operator/dead-letters.ts";
import { DeadLetterQueues } from "../../src/pipeline/retry/dead-letter-queues.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { turnsDuring } from "../support/turns.ts";

const count = 500;
const queue = "hikvision_update_kib";
const dead = `${queue}.dead`;
const stage = { name: "update-kib", queue };

test.each(["drop", "replay"] as const)("a %s of many letters waits few times for everything else", async (verb) => {
  const folder = temporaryFolder();
  // The time of a disk is none of the turns.
  await using broker = openSqlite({ file: join(folder, "queue.db"), sync: async () => {} });
  using ledger = new Ledger({ folder, keepDays: 90, say: console.error });
  await broker.declare([queue, dead]);
  const bodies = Array.from({ length: count }, (_, number) => ({ body: JSON.stringify({ employee: { number } }) }));
  await broker.publish(dead, bodies);
  const registered = [{ stage, enabledHere: true, successors: [], followers: [] }] as never;
  const options = { broker, ledger, registered, queues: () => [queue, dead], mask: createMask(), now: ledger.now };
  const letters = new DeadLetterQueues(options);
  const operator = new DeadLetters({ ...options, letters, isShortLived: true });
  expect((await operator.list()).total).toBe(count);

  const { result, turns } = await turnsDuring(() => operator[verb]({ all: true }));
  expect(result).toMatchObject({ count, left: [], unknown: [] });
  // Every turn is one of everything that the stages do meanwhile, and none is too late for them.
  expect(turns).toBeLessThan(count / 5);
  expect(turns).toBeGreaterThanOrEqual(count / 100);
  const depths = await broker.depths([queue, dead]);
  expect([depths.get(queue)?.ready, depths.get(dead)?.ready]).toEqual([verb === "replay" ? count : 0, 0]);
  expect((await operator.list()).total).toBe(verb === "replay" ? count : 0);
});
