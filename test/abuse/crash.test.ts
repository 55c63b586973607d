import { afterAll, expect, test } from "bun:test";
import { startSimulators } from "../../src/simulator/start.ts";
import { startSite } from "../support/site.ts";
import { folderWith, stageText } from "../support/stage-files.ts";
import { until } from "../support/until.ts";
import { everything, leaksIn, niks, tokens } from "./planted.ts";

const simulators = await startSimulators({ people: 1 });
afterAll(() => simulators[Symbol.asyncDispose]());

/** How a stage of the site can end the daemon; `said` holds all that must not be read. */
const attempts: [string, "info" | "debug", string][] = [
  ["throws an error in a timer", "info", "setTimeout(() => { throw new Error(said); })"],
  ["throws a text in a timer", "info", "setTimeout(() => { throw said; })"],
  ["lets a promise reject", "debug", "void Promise.reject(new TypeError(said, { cause: new Error(said) }))"],
  [
    "throws an error whose name and stack are its own",
    "debug",
    "setTimeout(() => { throw Object.assign(new Error(said), { name: said, stack: said }); })",
  ],
  [
    "throws an error with a place of its own",
    "info",
    "setTimeout(() => { throw Object.assign(new Error('x'), { stack: `Error: x\\n    at f (/${said}/x.ts:1:1)` }); })",
  ],
  ["throws many errors", "debug", "setTimeout(() => { throw new AggregateError([new Error(said), said], said); })"],
  [
    "throws what cannot be read",
    "info",
    "setTimeout(() => { throw Object.defineProperty(new Error(), 'message', { get() { throw new Error(said); } }); })",
  ],
];

test.each(attempts)(
  "a stage that %s, at log level %s, ends the daemon with a text without key, NIK, escape or forged line",
  async (_, level, code) => {
    const env = { LOG_FORMAT: "journal", LOG_LEVEL: level, ...tokens };
    const planted = Object.values({ ...simulators.env, ...tokens });
    const said = [everything, ...niks, ...planted].join(" ");
    expect(leaksIn(said, { env: simulators.env }).length).toBeGreaterThan(10);
    const run = `run: () => { const said = ${JSON.stringify(said)}; ${code}; },`;
    const STAGES_FOLDER = folderWith({ "odd.ts": stageText("odd", run) });
    await using site = await startSite({ as: "binary", simulators, env: { ...env, STAGES_FOLDER } });
    await site.trigger({ from: "2026-01-01", to: "2026-01-19" }).catch(() => {});
    await until(() => /unexpected error|something/.test(site.output()), { what: "the daemon to end" });
    await site.kill();
    expect(leaksIn(site.output(), site)).toEqual([]);
    expect(
      site
        .output()
        .split("\n")
        .filter((line) => line !== "" && !/^(<[3467]>|unexpected error: | +at )/.test(line)),
    ).toEqual([]);
  },
);
