import { afterAll, expect, test } from "bun:test";
import { startSimulators } from "../../src/simulator/start.ts";
import { type DaemonProcess, environmentOf, run, startDaemon } from "../support/daemon.ts";
import { until } from "../support/until.ts";
import { folderWith, stageText } from "./workshop.ts";

const people = 8;
const simulators = await startSimulators({ people });
afterAll(() => simulators[Symbol.asyncDispose]());

const start = (files: Record<string, string>, env: Record<string, string> = {}) =>
  startDaemon({ ...environmentOf(simulators), STAGES_FOLDER: folderWith(files), ...env });

const attemptsOf = async ({ url }: DaemonProcess, stage: string): Promise<number> => {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(new RegExp(`^hikvision_sync_attempts_total\\{stage="${stage}"\\} (\\d+)`, "m").exec(text)?.[1]);
};

test.each([
  ["a stage that takes longer than its time", "new Promise(() => {})"],
  ["one that gives messages and stops giving", "h.many((async function* () { await new Promise(() => {}); })())"],
])("%s is aborted, retried, and in the end a dead letter; the others go on", async (_, never) => {
  await using daemon = await start({
    "slow.ts": stageText("slow", `deadlineMs: 50, run: () => ${never},`),
    "quick.ts": stageText("quick", "run: () => {},"),
  });
  const view = await daemon.induct();
  expect(view.stages.quick).toEqual({ done: people });
  expect(view.deadLetters).toEqual([{ code: "stage_timeout", count: people, text: "slow took longer than 50 ms" }]);
  expect(await attemptsOf(daemon, "slow")).toBe(people * 4);
});

test("whatever odd thing a stage throws is a retry with a text, and nothing that it says shows a NIK or a secret", async () => {
  const odd = `options: v.object({ key: v.secret() }),
  async run(message, { options, meta, log }) {
    const key = options.key.reveal();
    log.error("NIK " + meta.code + " key " + key);
    console.log({ code: meta.code, key, options });
    const circle = { code: meta.code }; circle.self = circle;
    log.warn(circle);
    const throws = () => { throw new Error("of " + meta.code); };
    const unreadable = Object.defineProperty(new Error(), "message", { get: throws });
    const proxy = new Proxy({}, { getPrototypeOf: throws, get: throws });
    const all = [unreadable, proxy, undefined, "code " + meta.code + key, circle, new AggregateError([new Error(meta.code), key, null]), null, Symbol("x")];
    throw all[Number(meta.kib) % all.length];
  },`;
  await using daemon = await start({ "odd.js": stageText("odd", odd) }, { STAGES_ODD_KEY: "the-key-of-odd" });
  const view = await daemon.induct();
  expect(view.deadLetters).toEqual([{ code: "unexpected_error", count: people, text: expect.anything() }]);
  expect(await attemptsOf(daemon, "odd")).toBe(people * 4);
  const output = daemon.output();
  expect(output).toContain("NIK [nik] key [secret]");
  expect(output).toContain("something that is not an error was thrown (undefined)");
  expect(output).toContain("something that cannot be read was thrown");
  expect(`${output}${JSON.stringify(view)}`).not.toMatch(/\d{16}|the-key-of-odd/);
});

test("a stage neither keeps the program from ending, by a timer or a listener, nor ends it", async () => {
  const left = "setInterval(() => {}, 1_000);\nBun.serve({ port: 0, fetch: () => new Response() });\n";
  const files = {
    "busy.ts": `${left}${stageText("busy", "run() {},")}`,
    "quits.ts": stageText("quits", "run: () => process.exit(0),"),
  };
  expect(await run("stages", { STAGES_FOLDER: folderWith(files) })).toMatchObject({ exit: 0, err: "" });
  await using daemon = await start(files);
  const view = await daemon.induct();
  expect(view.stages.busy).toEqual({ done: people });
  const text = "process.exit would end the daemon; return or throw instead";
  expect(view.deadLetters).toEqual([{ code: "unexpected_error", count: people, text }]);
  expect(await daemon.stop()).toBe(0);
}, 60_000);

test("what fails where nobody waits for it is said with its place", async () => {
  const files = { "floats.ts": `\nPromise.reject(new Error("afloat"));\nawait Bun.sleep(50);\n` };
  const { exit, err } = await run("stages", { STAGES_FOLDER: folderWith(files) });
  expect({ exit, err }).toEqual({
    exit: 1,
    err: expect.stringMatching(/^unexpected error: afloat \(\S*floats\.ts:2\)\n$/),
  });
});

test("a warning is kept with the run, and a stage may end an employee's way on purpose", async () => {
  const text = 'run(m, { warn }) { warn("no_badge", "print a badge by hand"); return h.end("not needed here"); },';
  await using daemon = await start({
    "badge.ts": stageText("badge", text),
    "never.ts": stageText("never", "run: () => {},", { after: "badge" }),
  });
  const view = await daemon.induct();
  expect(view).toMatchObject({ status: "done", dead: 0, stages: { badge: { ended: people } } });
  expect(view.warnings).toEqual([{ code: "no_badge", count: people, text: "print a badge by hand" }]);
  expect(view.stages.never).toBeUndefined();
});

test("while an upstream of its own is down only its stage pauses, and nobody is charged", async () => {
  let isDown = true;
  let calls = 0;
  const upstream = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    fetch: () => {
      calls++;
      return new Response("", { status: isDown ? 503 : 200 });
    },
  });
  const text = `options: v.object({ url: v.string() }),
  async run(m, { options, signal }) {
    if (!(await fetch(options.url, { signal })).ok) throw h.unavailable("gatehouse");
  },`;
  try {
    await using daemon = await start(
      { "gatehouse.ts": stageText("gatehouse", text), "quick.ts": stageText("quick", "run: () => {},") },
      { STAGES_GATEHOUSE_URL: upstream.url.href },
    );
    const { body } = await daemon.trigger({}, { prefer: "respond-async" });
    const view = async () => (await daemon.get(`/runs/${body.run}`)).body;
    await until(async () => /paused: gatehouse does not answer/.test(daemon.output()), { what: "the pause" });
    const quick = async () => (await view()).stages as Record<string, { done?: number }>;
    await until(async () => (await quick()).quick?.done === people, { what: "the other stage to finish" });
    isDown = false;
    await until(async () => (await view()).status === "done", { timeoutMs: 30_000, what: "the stage to go on" });
    expect(await view()).toMatchObject({ dead: 0, stages: { gatehouse: { done: people } } });
    expect(await attemptsOf(daemon, "gatehouse")).toBe(0);
    expect(calls).toBeGreaterThan(people);
  } finally {
    await upstream.stop(true);
  }
}, 60_000);

test("an upstream that fails for one employee alone keeps nobody else back, and charges nobody", async () => {
  const text = 'run(m, { meta }) { if (meta.kib === "2600001") throw h.unavailable("gatehouse"); },';
  await using daemon = await start({ "gate.ts": stageText("gate", text) }, { STAGES_GATE_CONCURRENCY: "2" });
  const { body } = await daemon.trigger({ limit: 3 }, { prefer: "respond-async" });
  const view = async () => (await daemon.get(`/runs/${body.run}`)).body;
  await until(async () => Bun.deepMatch({ gate: { done: 2 } }, (await view()).stages), { what: "the others" });
  expect(await view()).toMatchObject({ status: "working", dead: 0 });
  expect(await attemptsOf(daemon, "gate")).toBe(0);
});

test("a changed file is taken up by a restart, which loses nothing", async () => {
  const folder = folderWith({
    "gate.ts": stageText("gate", "async run() { await new Promise((r) => setTimeout(r, 30)); },"),
  });
  const state = folderWith({});
  const env = { ...environmentOf(simulators), STAGES_FOLDER: folder, STAGES_GATE_CONCURRENCY: "1" };
  const before = await startDaemon(env, state);
  const { body } = await before.trigger({}, { prefer: "respond-async" });
  const seen = async (daemon: DaemonProcess) => (await daemon.get(`/runs/${body.run}`)).body;
  await until(async () => ((await seen(before)).stages as Record<string, unknown>).gate, {
    what: "some to be through",
  });
  expect(await before.stop()).toBe(0);
  await Bun.write(`${folder}/gate.ts`, stageText("gate", 'run(m, { log }) { log.info("changed gate"); },'));
  const startedAt = performance.now();
  await using after = await startDaemon(env, state);
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  await until(async () => (await seen(after)).status === "done", { what: "the run to be through" });
  expect(await seen(after)).toMatchObject({ dead: 0, employees: people, stages: { gate: { done: people } } });
  expect(after.output()).toContain("changed gate");
});

test("a stage may bring helpers, JSON, enums and types, and shares the program's own module", async () => {
  const text = `import { defineStage, end, isEnd, v } from "hikvision-sync";
import type { Context } from "hikvision-sync";
import { Colour, helper } from "./lib/helper.ts";
import zones from "./lib/zones.json";
enum Own { Yes = "yes" }
const schema: v.GenericSchema = v.looseObject({});
export default defineStage({
  name: "rich", queue: "site_rich", after: "assign-privilege", message: schema,
  run: (_: unknown, { log }: Context<unknown>) => log.info([Own.Yes, Colour[1], zones.first, isEnd(helper()), isEnd(end("x"))].join(" ")),
});
`;
  const helper =
    'import { end } from "hikvision-sync";\nexport enum Colour { Red, Blue }\nexport const helper = () => end("x");\n';
  await using daemon = await start({
    "rich.ts": text,
    "lib/helper.ts": helper,
    "lib/zones.json": '{"first":"Zona I"}',
  });
  await daemon.induct({ limit: 1 });
  expect(daemon.output()).toContain("yes Blue Zona I true true");
});
