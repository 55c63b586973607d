import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { relative } from "node:path";
import { smallDisk } from "../support/disk.ts";
import { type Installation, type RabbitNode, startRabbit } from "../support/rabbitmq.ts";
import { leaks, leaksIn, planted } from "./after.ts";
import { runStorm } from "./storm.ts";
import { Tally } from "./tally.ts";

/** A storm that stands still ends by itself; this is for a machine with much else to do. */
const stormMs = 1_800_000;

/** Two storms that follow each other are on either broker. */
const isOfRabbit = (seed: number) => seed % 2 === 0;

export interface StormsOptions {
  minutes?: number;
  /** All storms are on this broker; otherwise some are on RabbitMQ 3.10, the others on the embedded queue. */
  on?: { name: string; installation: Installation; queueType: "classic" | "quorum" };
}

/**
 * The tests of so many storms with fresh seeds, and of more of them for so many minutes. In the environment
 * FAULTS_SEED=4711 repeats one alone, and FAULTS_MINUTES says how long to go on.
 */
export function testStorms(count: number, { minutes = 0, on }: StormsOptions = {}): void {
  const isOnRabbit = (seed: number) => on !== undefined || isOfRabbit(seed);
  const queueOf = (seed: number) => (isOnRabbit(seed) ? (on?.name ?? "RabbitMQ 3.10") : "the embedded queue");
  const { FAULTS_SEED: given, FAULTS_MINUTES: moreMinutes = minutes } = process.env;
  const first = given === undefined ? Math.floor(Math.random() * 1_000_000) : Number(given);
  const seeds = Array.from({ length: given === undefined ? count : 1 }, (_, at) => first + at);
  const whole = new Tally();
  const tallies = new Map<string, Tally>();
  const output: string[] = [];
  const nodes = new Map<number, Promise<RabbitNode>>();
  let skipped = false;

  /** Storms of a lane follow each other, because each may kill the lane's RabbitMQ. */
  async function blow(seed: number, lane: number): Promise<void> {
    const started = performance.now();
    const tally = tallies.get(queueOf(seed)) ?? new Tally(whole);
    tallies.set(queueOf(seed), tally);
    try {
      if (isOnRabbit(seed)) {
        const node = nodes.get(lane) ?? startRabbit(on && { installation: on.installation });
        nodes.set(lane, node);
        output.push(await runStorm({ seed, tally, rabbit: await node, queueType: on?.queueType }));
      } else {
        await using disk = await smallDisk();
        skipped ||= disk === undefined;
        output.push(await runStorm({ seed, tally, disk }));
      }
      console.log(`STEP seed ${seed}: ${Math.round((performance.now() - started) / 1000)} s on ${queueOf(seed)}`);
    } catch (error) {
      console.log(
        `STEP seed ${seed} FAILED, repeat it with  FAULTS_SEED=${seed} npx bun test ${relative(process.cwd(), Bun.main)}`,
      );
      throw error;
    }
  }

  /** Three storms at a time: two lanes have a RabbitMQ, which takes long to start again, and all share the others. */
  const storms = new Map(seeds.map((seed) => [seed, Promise.withResolvers<void>()]));
  beforeAll(() => {
    const onRabbit = seeds.filter(isOnRabbit);
    const others = seeds.filter((seed) => !isOnRabbit(seed));
    const work = async (lane: number, next: () => number | undefined) => {
      for (let seed = next(); seed !== undefined; seed = next()) {
        const storm = storms.get(seed);
        storm?.promise.catch(() => {});
        await blow(seed, lane).then(storm?.resolve, storm?.reject);
      }
    };
    for (const lane of [0, 1]) void work(lane, () => onRabbit.shift() ?? others.shift());
    void work(2, () => others.shift());
  });
  afterAll(async () => {
    await Promise.all([...nodes.values()].map(async (node) => (await node).stop()));
  }, 40_000);

  for (const seed of seeds)
    test.concurrent(
      `seed ${seed}: after storms on ${queueOf(seed)} everybody is at the gate exactly once`,
      async () => await storms.get(seed)?.promise,
      stormMs,
    );

  const moreMs = Number(moreMinutes) * 60_000;
  test.if(moreMs > 0)(
    `for ${moreMinutes} minutes more no storm of another seed loses or doubles anybody`,
    async () => {
      const endsAt = performance.now() + moreMs;
      let seed = first + seeds.length;
      while (performance.now() < endsAt) await Promise.all([blow(seed++, 0), blow(seed++, 1)]);
    },
    moreMs + stormMs,
  );

  describe.if(given === undefined)("in all of them", () => {
    test("each kind of fault was seen to hit often enough", () => {
      for (const [where, tally] of tallies) for (const line of tally.table(where)) console.log(`STEP ${line}`);
      if (skipped) console.log("SKIPPED a full disk: this machine lets nobody mount");
      const short = whole.short(on ? 0.5 : seeds.length, skipped || on !== undefined);
      // Two storms on another broker are about that broker; the foreign systems' faults are asked of the suite with more.
      expect(on ? short.filter((kind) => /kills|confirms/.test(kind)) : short).toEqual([]);
    });

    test("no log, metric, error, letter or page shows a key, a signature or a NIK", () => {
      // First it finds one of each that was planted.
      const kinds = Object.keys(leaks);
      const found = leaksIn([...output, planted()].join("\n")).map((leak) => leak.split(":")[0] ?? "");
      expect(found).toEqual(kinds);
      expect(output.length).toBeGreaterThanOrEqual(seeds.length);
      expect(output.flatMap(leaksIn)).toEqual([]);
      const size = output.reduce((sum, text) => sum + text.length, 0);
      console.log(`STEP searched ${Math.round(size / 1000)} KB of output`);
    });
  });
}
