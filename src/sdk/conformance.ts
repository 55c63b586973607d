import { expect, test } from "bun:test";
import * as v from "valibot";
import { adoptConsole, createLog } from "../observability/log.ts";
import { secretsIn } from "../registry/builtin.ts";
import { instead } from "../simulator/fault-server.ts";
import type { Stage } from "../stage.ts";
import type { Execution } from "./execute.ts";
import { type ExecuteOptions, openSandbox, type Sandbox, unmasked } from "./sandbox.ts";

/** The input of the conformance tests. Export it from the test of a stage as `example`. */
export interface Example {
  /** As `[stages.NAME]` would give them; a function where they contain the upstream's address. */
  options?: Record<string, unknown> | ((sandbox: Sandbox) => Record<string, unknown>);
  /** Required if the stage does not come after a known one. */
  message?: unknown;
  /** What the stage leaves behind outside HikCentral, e.g. the text of a file: the same after a second run. */
  leaves?: (sandbox: Sandbox) => unknown;
  /** Restores the initial state between two tests. */
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

const through = ({ outcome }: Execution) => outcome === "done" || outcome === "ended";
const upstreamsOf = ({ hikcentral, eposh, upstream }: Omit<Sandbox, "pass">) => [hikcentral, eposh, upstream];

/** Declares the tests that every stage must pass, built-in or the site's own. */
export function conformance(stage: Stage, { stages = [], ...example }: ConformanceOptions = {}): void {
  const fixed = "message" in example ? { message: example.message } : {};

  async function open() {
    example.reset?.();
    const sandbox = await openSandbox({ stages });
    const options = typeof example.options === "function" ? example.options(sandbox) : (example.options ?? {});
    const pass = (more: ExecuteOptions = {}, tried = stage) => sandbox.execute(tried, { options, ...fixed, ...more });
    const message = "message" in example ? example.message : await sandbox.messageFor(stage);
    /** Comparable between two sandboxes: without addresses and without the mark of the photo link. */
    const neutral = (value: unknown): unknown =>
      JSON.parse(
        JSON.stringify(value, (key, inner) => (key === "remark" ? "" : inner)).replaceAll(sandbox.eposh.origin, ""),
      );
    const left = () => neutral([sandbox.hikcentral.state().persons, example.leaves?.(sandbox)]);
    return { ...sandbox, options, pass, message, neutral, left };
  }

  const promise = (text: string) => `${stage.name} ${text}`;
  const patience = { timeout: 30_000 };

  test(promise("returns the same and leaves the same behind when it runs twice"), patience, async () => {
    await using sandbox = await open();
    const first = await sandbox.pass();
    expect(first).toMatchObject({ outcome: expect.stringMatching(/^(done|ended)$/) });
    const left = sandbox.left();
    const second = await sandbox.pass({ again: true });
    expect(through(second) && [second.returned, second.followUps]).toEqual([first.returned, first.followUps]);
    expect(sandbox.left()).toEqual(left);
  });

  test(promise("stops when it is aborted"), patience, async () => {
    await using sandbox = await open();
    for (const { faults } of upstreamsOf(sandbox)) faults.set({ kind: "hang" });
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
    const passed = sandbox.pass({ signal: stop.signal }, watched);
    let isOver = false;
    void passed.then(() => (isOver = true));
    while (!isOver && upstreamsOf(sandbox).every(({ faults }) => !faults.seen.hang)) await Bun.sleep(5);
    stop.abort(new Error("aborted by its test"));
    await passed;
    const late = Bun.sleep(2_000).then(() => "it continues: pass `signal` to everything that it awaits");
    expect(await Promise.race([stopped.then(() => "stopped"), late])).toBe("stopped");
  });

  test(promise("makes a malformed message a dead letter"), patience, async () => {
    await using sandbox = await open();
    for (const message of ["", "{", "null", "7", '"text"', "true"])
      expect(await sandbox.pass({ message })).toMatchObject({ outcome: "dead" });
    const whole = Object(sandbox.message) as Record<string, unknown>;
    for (const key of Object.keys(whole))
      for (const odd of [undefined, null, { odd: true }]) {
        const { outcome, text } = await sandbox.pass({ message: { ...whole, [key]: odd } });
        expect({ key, odd, text, retried: outcome === "retry" }).toMatchObject({ retried: false });
      }
  });

  test.each(Object.entries(failures))(promise("survives that its upstream once %s"), patience, async (_, fault) => {
    await using undisturbed = await open();
    const expected = undisturbed.neutral((await undisturbed.pass()).returned);
    const left = undisturbed.left();
    await using sandbox = await open();
    for (const { faults } of upstreamsOf(sandbox)) faults.set(fault);
    let passed = await sandbox.pass();
    for (let tries = 1; passed.outcome !== "dead" && !through(passed) && tries < 5; tries++)
      passed = await sandbox.pass({ again: true });
    await sandbox.follow(passed);
    expect(through(passed) && sandbox.neutral(passed.returned)).toEqual(expected);
    expect(sandbox.left()).toEqual(left);
  });

  test(promise("returns what the stages after it accept"), patience, async () => {
    await using sandbox = await open();
    const { outcome, text, returned } = await sandbox.pass();
    expect({ outcome, text }).toMatchObject({ outcome: expect.stringMatching(/^(done|ended)$/) });
    const next = stages.filter(({ after }) => after === stage.name);
    if (next.length > 0 && outcome === "done") expect(returned).not.toEqual([]);
  });

  test(promise("shows no NIK and no secret"), patience, async () => {
    await using sandbox = await open();
    let said = "";
    const write = (text: string) => {
      said += text;
    };
    using _console = adoptConsole(createLog({ mask: unmasked, write }));
    const hear = async (more?: ExecuteOptions) =>
      write(JSON.stringify({ ...(await sandbox.pass(more)), returned: [] }));
    await hear();
    await hear({ message: JSON.parse(JSON.stringify(sandbox.message).replaceAll(/\d{16}/g, "35000000000000019")) });
    for (const { faults } of upstreamsOf(sandbox)) faults.set(instead("failed", "", { status: 500 }));
    await hear();
    said += sandbox.log();
    expect(said.match(/\d{16,}/g) ?? [], "a NIK was shown").toEqual([]);
    const own = stage.options ? v.safeParse(stage.options, sandbox.options).output : undefined;
    const { eposh, hikcentral } = sandbox;
    const secrets = [...secretsIn(own), eposh.apiKey, eposh.appId, hikcentral.appKey, hikcentral.appSecret];
    expect(secrets.filter((secret) => said.includes(secret)).length, "secrets were shown").toBe(0);
  });
}
