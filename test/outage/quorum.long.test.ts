import { afterAll, expect, test } from "bun:test";
import type { RunView } from "../../src/ledger/runs.ts";
import type { Fault } from "../../src/simulator/fault-server.ts";
import { refusals } from "../../src/simulator/hikcentral.ts";
import type { Simulators } from "../../src/simulator/start.ts";
import { binary, placeOnRabbit, startRabbit } from "../support/rabbitmq.ts";
import { rabbit4For } from "../support/rabbitmq4.ts";
import { type Site, type SiteOptions, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const installation = await rabbit4For("failures of HikCentral with quorum queues");
const node = installation && (await startRabbit({ installation }));
afterAll(() => node?.stop(), 40_000);

const people = 60;
/** Each test waits for nearly all of its time, so all of them run at once. */
const patienceMs = 600_000;
const onQuorum = test.concurrent.if(node !== undefined);

/** A run, also where RabbitMQ was too slow for the trigger's answer. */
async function begin(site: Site) {
  const { body } = await site.trigger(undefined, { prefer: "respond-async" });
  const seen = () => site.get(`/runs/${body.run}`);
  await until(async () => (await seen()).status === 200, { timeoutMs: 60_000, what: "the run to begin" });
  return { view: async () => (await seen()).body as unknown as RunView };
}

let starting: Promise<unknown> = Promise.resolve();

/** A daemon on quorum queues with the limit of RabbitMQ 4, which is 20 returns, and a run that has begun. */
async function startOnQuorum(options: Omit<SiteOptions, "broker">) {
  await using opened = new AsyncDisposableStack();
  const start = async () => {
    const place = opened.use(await placeOnRabbit(node));
    const env = {
      BROKER_QUEUE_TYPE: "quorum",
      HIKCENTRAL_TIMEOUT: "3s",
      BROKER_RETRY_DELAYS: "5s,10s,20s,40s,60s",
      ...options.env,
    };
    const site = opened.use(await startSite({ as: "binary", mayWait: true, ...options, broker: place.url, env }));
    await until(async () => (await site.readyz()).ready, { timeoutMs: 180_000, what: "the stages to take work" });
    const types = await place.evaluate(
      `lists:usort([amqqueue:get_type(Q) || Q <- rabbit_amqqueue:list(${binary(place.vhost)})])`,
    );
    expect(types).toBe("[rabbit_quorum_queue]");
    return { site, run: await begin(site) };
  };
  // One after another: each makes thirty quorum queues, which is much work for a node.
  const started = starting.then(start);
  starting = started.catch(() => {});
  const { site, run } = await started;
  const kept = opened.move();
  return { site, run, [Symbol.asyncDispose]: () => kept.disposeAsync() };
}

const isThrough = (run: Awaited<ReturnType<typeof begin>>, count: number) =>
  until(async () => (await run.view()).through >= count, {
    timeoutMs: patienceMs,
    everyMs: 100,
    what: `${count} through`,
  });

/** Everybody once, nobody dead, and a lone daemon has seen the whole run. */
async function expectAll(site: Site, run: Awaited<ReturnType<typeof begin>>, title: string): Promise<void> {
  await isThrough(run, people);
  const view = await run.view();
  const persons = site.hikcentral.state().persons;
  const atTheGate = new Set(site.atTheGate().map(({ personCode }) => personCode)).size;
  const dead = (await site.get("/dead")).body.total;
  console.log(
    `STEP ${title}: ${people} people, ${people - atTheGate} lost, ${persons.length - atTheGate} doubled, 0 dead letters expected, ${dead} found`,
  );
  expect(view).toMatchObject({ status: "done", employees: people, through: people, dead: 0, part: false });
  expect([persons.length, atTheGate, dead]).toEqual([people, people, 0]);
}

const answering =
  (fault: Fault) =>
  async ({ hikcentral }: Site) =>
    hikcentral.faults.set(fault);
const slow = { kind: "slow", minMs: 100, maxMs: 200 } as const;

for (const [title, fail] of [
  ["refusing every connection", ({ hikcentral }: Site) => hikcentral.down()],
  ["hanging without an answer", answering({ kind: "hang" })],
  ["answering code 5", answering(refusals.exception)],
  ["calling the key wrong", answering(refusals.wrongKey)],
] as const)
  onQuorum(
    `HikCentral ${title} for ten seconds and for four minutes loses none of ${people} people on quorum queues`,
    async () => {
      await using started = await startOnQuorum({ people, faults: { hikcentral: [slow] } });
      const { site, run } = started;
      for (const [share, failureMs] of [
        [1 / 4, 10_000],
        [1 / 2, 240_000],
      ] as const) {
        await isThrough(run, people * share);
        await fail(site);
        await Bun.sleep(failureMs);
        expect((await run.view()).through).toBeLessThan(people);
        site.hikcentral.faults.set(slow);
        if (title.startsWith("refusing")) await site.hikcentral.up();
      }
      await expectAll(site, run, `${title}, 10 s and 4 min`);
    },
    patienceMs,
  );

onQuorum(
  `an hour of retries, with delays a sixtieth as long, loses none of ${people} people on quorum queues`,
  async () => {
    // 5s,30s,2m,10m,1h
    const env = { BROKER_RETRY_DELAYS: "83ms,500ms,2s,10s,60s" };
    const faults = { hikcentral: [{ ...refusals.busy, share: 0.6 }] };
    await using started = await startOnQuorum({ people, env, faults });
    const { site, run } = started;
    // Nobody can have failed six times by then: the delays are 72 s together.
    await Bun.sleep(60_000);
    site.hikcentral.faults.set();
    expect(await site.sum("attempts_total")).toBeGreaterThan(people / 4);
    await expectAll(site, run, "an hour of retries");
  },
  patienceMs,
);

onQuorum(
  "forty times dead list, dead show and status over six dead letters on quorum queues: six, and all can be replayed",
  async () => {
    const nameless = ({ eposh }: Simulators) =>
      Object.assign(
        eposh.days.get("2026-01-11") ?? [],
        Array.from({ length: 6 }, (_, at) => ({ ...eposh.days.get("2026-01-11")?.[at], name: null })),
      );
    await using started = await startOnQuorum({ people: 120, prepare: nameless });
    const { site, run } = started;
    await until(async () => (await run.view()).status === "done", { timeoutMs: patienceMs, what: "the run" });
    const list = async () =>
      (await site.get("/dead")).body as { total: number; note?: string; groups: { ids: string[] }[] };
    const ids = (await list()).groups.flatMap((group) => group.ids);
    expect(ids).toHaveLength(6);
    for (let looks = 0; looks < 40; looks++) {
      expect(await list()).toMatchObject({ total: 6 });
      expect((await site.get(`/dead/${ids[looks % 6]}`)).status).toBe(200);
      expect((await site.get("/status")).body).toMatchObject({ deadLetters: { total: 6 } });
    }
    console.log("STEP 40 looks over six dead letters: 0 lost, 0 doubled, 6 dead letters expected, 6 found");
    expect((await site.post("/dead/replay", {})).body).toMatchObject({ replayed: 6 });
    await until(async () => (await list()).total === 6, { timeoutMs: 60_000, everyMs: 500, what: "the six again" });
  },
  patienceMs,
);
