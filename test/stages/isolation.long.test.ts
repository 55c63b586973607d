import { afterAll, expect, test } from "bun:test";
import { startSimulators } from "../../src/simulator/start.ts";
import { run } from "../support/binary.ts";
import { startSite } from "../support/site.ts";
import { folderWith, stageText } from "../support/stage-files.ts";
import { until } from "../support/until.ts";

const people = 8;
const simulators = await startSimulators({ people });
afterAll(() => simulators[Symbol.asyncDispose]());

const start = (files: Record<string, string>, env: Record<string, string> = {}) =>
  startSite({ as: "binary", simulators, env: { STAGES_FOLDER: folderWith(files), ...env } });

test.each([
  ["a stage that takes longer than its time", "new Promise(() => {})"],
  ["one that gives messages and stops giving", "h.many((async function* () { await new Promise(() => {}); })())"],
])("%s is aborted, retried, and in the end a dead letter; the others go on", async (_, never) => {
  await using site = await start({
    "slow.ts": stageText("slow", `deadlineMs: 50, run: () => ${never},`),
    "quick.ts": stageText("quick", "run: () => {},"),
  });
  const view = await site.induct();
  expect(view.stages.quick).toEqual({ done: people });
  expect(view.deadLetters).toEqual([{ code: "stage_timeout", count: people, text: "slow took longer than 50 ms" }]);
  expect(await site.sum("attempts_total", { stage: "slow" })).toBe(people * 4);
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
  await using site = await start({ "odd.js": stageText("odd", odd) }, { STAGES_ODD_KEY: "the-key-of-odd" });
  const view = await site.induct();
  expect(view.deadLetters).toEqual([{ code: "unexpected_error", count: people, text: expect.anything() }]);
  expect(await site.sum("attempts_total", { stage: "odd" })).toBe(people * 4);
  const output = site.output();
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
  await using site = await start(files);
  const view = await site.induct();
  expect(view.stages.busy).toEqual({ done: people });
  const text = "process.exit would end the daemon; return or throw instead";
  expect(view.deadLetters).toEqual([{ code: "unexpected_error", count: people, text }]);
  expect(await site.stop()).toBe(0);
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
  await using site = await start({
    "badge.ts": stageText("badge", text),
    "never.ts": stageText("never", "run: () => {},", { after: "badge" }),
  });
  const view = await site.induct();
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
    await using site = await start(
      { "gatehouse.ts": stageText("gatehouse", text), "quick.ts": stageText("quick", "run: () => {},") },
      { STAGES_GATEHOUSE_URL: upstream.url.href },
    );
    const { view, through } = await site.begin({});
    await until(async () => /paused: gatehouse does not answer/.test(site.output()), { what: "the pause" });
    await until(async () => (await view()).stages.quick?.done === people, { what: "the other stage to finish" });
    isDown = false;
    expect(await through()).toMatchObject({ dead: 0, stages: { gatehouse: { done: people } } });
    expect(await site.sum("attempts_total", { stage: "gatehouse" })).toBe(0);
    expect(calls).toBeGreaterThan(people);
  } finally {
    await upstream.stop(true);
  }
}, 60_000);

test("an upstream that fails for one employee alone keeps nobody else back, and charges nobody", async () => {
  const text = 'run(m, { meta }) { if (meta.kib === "2600001") throw h.unavailable("gatehouse"); },';
  await using site = await start({ "gate.ts": stageText("gate", text) }, { STAGES_GATE_CONCURRENCY: "2" });
  const { view } = await site.begin({ limit: 3 });
  await until(async () => Bun.deepMatch({ gate: { done: 2 } }, (await view()).stages), { what: "the others" });
  expect(await view()).toMatchObject({ status: "working", dead: 0 });
  expect(await site.sum("attempts_total", { stage: "gate" })).toBe(0);
});

test("a changed file is taken up by a restart, which loses nothing", async () => {
  const folder = folderWith({
    "gate.ts": stageText("gate", "async run() { await new Promise((r) => setTimeout(r, 30)); },"),
  });
  const env = { STAGES_FOLDER: folder, STAGES_GATE_CONCURRENCY: "1" };
  await using site = await startSite({ as: "binary", simulators, env });
  const { view, through } = await site.begin({});
  await until(async () => (await view()).stages.gate, { what: "some to be through" });
  expect(await site.stop()).toBe(0);
  await Bun.write(`${folder}/gate.ts`, stageText("gate", 'run(m, { log }) { log.info("changed gate"); },'));
  const startedAt = performance.now();
  await site.start();
  expect(performance.now() - startedAt).toBeLessThan(5_000);
  expect(await through()).toMatchObject({ dead: 0, employees: people, stages: { gate: { done: people } } });
  expect(site.output()).toContain("changed gate");
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
  await using site = await start({
    "rich.ts": text,
    "lib/helper.ts": helper,
    "lib/zones.json": '{"first":"Zona I"}',
  });
  await site.induct({ limit: 1 });
  expect(site.output()).toContain("yes Blue Zona I true true");
});
