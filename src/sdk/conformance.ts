import { expect, test } from "bun:test";
import * as v from "valibot";
import { adoptConsole, createLog } from "../observability/log.ts";
import { secretsIn } from "../registry/builtin.ts";
import { instead } from "../simulator/fault-server.ts";
import type { Stage } from "../stage.ts";
import type { Attempted } from "./execute.ts";
import { openTrial, type PassOptions, type Trial, unmasked } from "./sandbox.ts";

/** What the promises that every stage makes are tried with. Export it from the stage's test as `example`. */
export interface Example {
  /** As `[stages.NAME]` would give them; as a function where the upstream's address belongs into them. */
  options?: Record<string, unknown> | ((trial: Trial) => Record<string, unknown>);
  /** Needed where the stage comes after none of the known ones. */
  message?: unknown;
  /** What the stage leaves behind outside HikCentral, a file's text for example: the same after a second run. */
  leaves?: (trial: Trial) => unknown;
  /** Back to the beginning, between two trials. */
  reset?: () => unknown;
}

export interface ConformanceOptions extends Example {
  /** The other stages of the site. */
  stages?: readonly Stage[];
}

const failures = {
  "answers 503": instead("failed", "", { status: 503, times: 1 }),
  "cuts the connection": { kind: "reset", times: 1 },
  "loses an answer": { kind: "lost", times: 1 },
} as const;

const through = ({ outcome }: Attempted) => outcome === "done" || outcome === "ended";
const upstreamsOf = ({ hikcentral, eposh, upstream }: Omit<Trial, "pass">) => [hikcentral, eposh, upstream];

/** Declares the tests of what every stage promises, built-in or dropped in. */
export function conformance(stage: Stage, { stages = [], ...example }: ConformanceOptions = {}): void {
  const fixed = "message" in example ? { message: example.message } : {};

  async function open() {
    example.reset?.();
    const trial = await openTrial({ stages });
    const options = typeof example.options === "function" ? example.options(trial) : (example.options ?? {});
    const pass = (more: PassOptions = {}, tried = stage) => trial.pass(tried, { options, ...fixed, ...more });
    const message = "message" in example ? example.message : await trial.messageFor(stage);
    /** Of two trials it is the same one: without their addresses, and the mark of a photo's. */
    const neutral = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (key, inner) => (key === "remark" ? "" : inner)).replaceAll(trial.eposh.origin, ""),
      );
    const left = () => neutral([trial.hikcentral.state().persons, example.leaves?.(trial)]);
    return { ...trial, options, pass, message, neutral, left };
  }

  const promise = (text: string) => `${stage.name} ${text}`;
  const patience = { timeout: 30_000 };

  test(promise("gives the same answer when it is run twice, and leaves the same behind"), patience, async () => {
    await using trial = await open();
    const first = await trial.pass();
    expect(first).toMatchObject({ outcome: expect.stringMatching(/^(done|ended)$/) });
    const left = trial.left();
    expect(await trial.pass({ again: true })).toEqual({ ...first, warnings: expect.anything() });
    expect(trial.left()).toEqual(left);
  });

  test(promise("stops when it is aborted"), patience, async () => {
    await using trial = await open();
    for (const { faults } of upstreamsOf(trial)) faults.set({ kind: "hang" });
    const stop = new AbortController();
    let stopped: Promise<unknown> = Promise.resolve();
    const watched: Stage = {
      ...stage,
      run(message, context) {
        const running = (async () => stage.run(message, context))();
        stopped = running.catch(() => {});
        return running;
      },
    };
    const passed = trial.pass({ signal: stop.signal }, watched);
    let isOver = false;
    void passed.then(() => (isOver = true));
    while (!isOver && upstreamsOf(trial).every(({ faults }) => !faults.seen.hang)) await Bun.sleep(5);
    stop.abort(new Error("aborted by its test"));
    await passed;
    const late = Bun.sleep(2_000).then(() => "it goes on: give `signal` to all that it waits for");
    expect(await Promise.race([stopped.then(() => "stopped"), late])).toBe("stopped");
  });

  test(promise("makes a dead letter of what is malformed"), patience, async () => {
    await using trial = await open();
    for (const message of ["", "{", "null", "7", '"text"', "true"])
      expect(await trial.pass({ message })).toMatchObject({ outcome: "dead" });
    const whole = Object(trial.message) as Record<string, unknown>;
    for (const key of Object.keys(whole))
      for (const odd of [undefined, null, { odd: true }]) {
        const { outcome, text } = await trial.pass({ message: { ...whole, [key]: odd } });
        expect({ key, odd, text, retried: outcome === "retry" }).toMatchObject({ retried: false });
      }
  });

  test.each(Object.entries(failures))(promise("survives that its upstream once %s"), patience, async (_, fault) => {
    await using undisturbed = await open();
    const expected = undisturbed.neutral({ ...(await undisturbed.pass()), warnings: [] });
    const left = undisturbed.left();
    await using trial = await open();
    for (const { faults } of upstreamsOf(trial)) faults.set(fault);
    let passed = await trial.pass();
    for (let tries = 1; passed.outcome !== "dead" && !through(passed) && tries < 5; tries++)
      passed = await trial.pass({ again: true });
    expect(trial.neutral({ ...passed, warnings: [] })).toEqual(expected);
    expect(trial.left()).toEqual(left);
  });

  test(promise("returns what the stages after it take"), patience, async () => {
    await using trial = await open();
    const { outcome, text, returned } = await trial.pass();
    expect({ outcome, text }).toMatchObject({ outcome: expect.stringMatching(/^(done|ended)$/) });
    const next = stages.filter(({ after }) => after === stage.name);
    if (next.length > 0 && outcome === "done") expect(returned).not.toEqual([]);
  });

  test(promise("says no NIK and no secret"), patience, async () => {
    await using trial = await open();
    let said = "";
    const write = (text: string) => {
      said += text;
    };
    using _console = adoptConsole(createLog({ mask: unmasked, write }));
    const hear = async (more?: PassOptions) => write(JSON.stringify({ ...(await trial.pass(more)), returned: [] }));
    await hear();
    await hear({ message: JSON.parse(JSON.stringify(trial.message).replaceAll(/\d{16}/g, "35000000000000019")) });
    for (const { faults } of upstreamsOf(trial)) faults.set(instead("failed", "", { status: 500 }));
    await hear();
    said += trial.log();
    expect(said.match(/\d{16,}/g) ?? [], "a NIK was said").toEqual([]);
    const own = stage.options ? v.safeParse(stage.options, trial.options).output : undefined;
    const { eposh, hikcentral } = trial;
    const secrets = [...secretsIn(own), eposh.apiKey, eposh.appId, hikcentral.appKey, hikcentral.appSecret];
    expect(secrets.filter((secret) => said.includes(secret)).length, "secrets were said").toBe(0);
  });
}
