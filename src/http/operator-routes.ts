import { type Context, Hono } from "hono";
import * as v from "valibot";
import { BrokerDown } from "../broker/broker.ts";
import { textOf } from "../errors.ts";
import { answers } from "../ledger/cases/decisions.ts";
import { noteComparison } from "../ledger/cases/last-comparison.ts";
import { recallFrom } from "../ledger/cases/situations.ts";
import type { Operator } from "../operator/operator.ts";
import { nowOf } from "../operator/overview/now.ts";
import { sentenceOf } from "../operator/overview/sentence.ts";
import { type DropResult, selection } from "../operator/selection.ts";
import { whoAnswers } from "../operator/who/answer.ts";
import { languages } from "../operator/words/language.ts";
import { Times } from "../operator/words/times.ts";
import { untilAborted } from "../util/abort.ts";

/** How long the question about one dead letter waits for the broker. */
const patienceMs = 1_800;
const soon = <T>(answer: Promise<T>): Promise<T> => {
  const late = AbortSignal.timeout(patienceMs);
  return untilAborted(answer, late).catch((error: unknown) => {
    throw late.aborted ? new BrokerDown("the broker does not answer now; try again when it is back") : error;
  });
};

const whoRequest = v.strictObject({
  key: v.pipe(v.string(), v.trim(), v.nonEmpty(), v.maxLength(100)),
  language: v.optional(v.picklist(languages)),
});

/** The page's first sentence; null without a daemon. */
async function sentenceNow(operator: Operator): Promise<string | null> {
  const { timeZone } = operator.options.running?.upstreams ?? {};
  if (timeZone === undefined) return null;
  const now = await nowOf(operator, timeZone);
  return sentenceOf(now, new Times("en", timeZone, now.at));
}

const recallRequest = v.strictObject({
  persons: v.array(v.strictObject({ code: v.string(), photo: v.optional(v.string()) })),
});

const date = v.pipe(v.string(), v.isoDate());
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const noteRequest = v.strictObject({
  employees: count,
  differing: count,
  fixable: count,
  unmatched: count,
  twins: count,
  unchecked: count,
  dates: v.tuple([date, date]),
  isFixed: v.boolean(),
});

type Status = 400 | 404 | 409 | 500 | 503;

const done = { replay: "replayed", drop: "dropped" } as const;

/** The operators' routes; the commands call them too. The caller masks what it shows. */
export function operatorRoutes(operator: Operator): Hono {
  const app = new Hono();
  const error = (c: Context, text: string, status: Status, more: object = {}) =>
    c.json({ status: "error", error: text, ...more }, status);

  app.get("/status", async (c) => {
    const [status, sentence] = await Promise.all([operator.status(), sentenceNow(operator)]);
    return c.json({ sentence, ...status });
  });

  app.get("/dead", async (c) => {
    const { stage, code, run } = c.req.query();
    return c.json(await operator.dead.list({ stage, code, run }));
  });
  app.get("/dead/:id", async (c) => {
    const letter = await soon(operator.dead.show(c.req.param("id")));
    return letter ? c.json(letter) : error(c, noCase(c.req.param("id")), 404);
  });
  app.post("/dead/:id/decide", async (c) => {
    const asked = await bodyOf(c, v.strictObject({ answer: v.picklist(answers) }));
    if (asked === undefined) return error(c, `send {"answer":"${answers.join("|")}"}`, 400);
    const id = c.req.param("id");
    const decided = await operator.decide(id, asked.answer, c.req.raw.signal);
    if ("problem" in decided) return error(c, decided.problem, 409);
    return c.json(decided);
  });
  app.post("/dead/:verb{replay|drop}", async (c) => {
    const verb = c.req.param("verb") as keyof typeof done;
    const asked = await bodyOf(c, selection);
    if (asked === undefined) return error(c, badSelection, 400);
    const { ids, stage, code, run, all } = asked;
    if (verb === "drop" && !all && (ids ?? stage ?? code ?? run) === undefined)
      return error(c, "Dropping cannot be undone. Give IDs, --stage, --code, --run or --all", 400);
    const answer: DropResult = await operator.dead[verb](asked, c.req.raw.signal);
    const { count, left, unknown, trouble, file } = answer;
    const result = { [done[verb]]: count, ...(file && { file }) };
    if (trouble) return error(c, `${trouble}; ${count} were ${done[verb]} before`, 503, result);
    const found = count > 0 || left.length > 0 || unknown.length === 0;
    return found ? c.json({ ...result, left, unknown }) : error(c, noCase(unknown.join(", ")), 404);
  });

  // n.b. POST, because every proxy logs addresses, and the key may be a NIK.
  app.post("/trace", async (c) => {
    const asked = await bodyOf(c, v.strictObject({ key: v.pipe(v.string(), v.trim(), v.nonEmpty()) }));
    if (asked === undefined) return error(c, 'send {"key":"a KIB or NIK"}', 400);
    const traces = operator.trace(asked.key);
    return traces.length > 0 ? c.json({ journeys: traces }) : error(c, unknownPerson, 404);
  });

  // n.b. POST for the same reason.
  app.post("/who", async (c) => {
    const { upstreams } = operator.options.running ?? {};
    if (upstreams === undefined) return error(c, "who requires the running daemon: it reads HikCentral and Eposh", 503);
    const asked = await bodyOf(c, whoRequest);
    if (asked === undefined) return error(c, 'send {"key":"a name, KIB or NIK","language":"en or id"}', 400);
    const times = new Times(asked.language ?? "en", upstreams.timeZone, operator.options.ledger.now());
    return c.json(await whoAnswers(operator, upstreams, asked.key, times));
  });

  // For `verify`, which has no ledger. n.b. It holds NIKs.
  app.post("/comparison/recall", async (c) => {
    const asked = await bodyOf(c, recallRequest);
    if (asked === undefined) return error(c, 'send {"persons":[{"code":"a NIK"}]}', 400);
    return c.json(recallFrom(operator.options.ledger, asked.persons));
  });

  app.post("/comparison/note", async (c) => {
    const asked = await bodyOf(c, noteRequest);
    if (asked === undefined) return error(c, "send what verify found, in numbers", 400);
    const { ledger } = operator.options;
    noteComparison(ledger, { ...asked, at: ledger.now().toISOString(), trouble: null });
    return c.json({ noted: true });
  });

  app.get("/changes", (c) => {
    const { kib, since } = c.req.query();
    if (since !== undefined && Number.isNaN(Date.parse(since)))
      return error(c, "since must be a date such as 2026-01-31", 400);
    return c.json({ changes: operator.changes({ kib, since }) });
  });

  app.post("/stages/:stage/pause", (c) => {
    const stage = c.req.param("stage");
    const names = operator.options.registered.flatMap((one) => (one.enabledHere ? [one.stage.name] : [])).join(", ");
    return operator.pause(stage)
      ? c.json({ paused: stage })
      : error(c, `no stage ${stage} runs here; the stages are ${names}`, 404);
  });
  app.post("/stages/:stage/resume", (c) => {
    const stage = c.req.param("stage");
    return operator.resume(stage)
      ? c.json({ resumed: stage })
      : error(c, `no operator has paused ${stage}; see: hikvision-sync status`, 404);
  });

  app.get("/runs", async (c) => c.json({ runs: await operator.runs() }));
  app.get("/runs/:id", (c) => {
    const run = operator.run(c.req.param("id"));
    return run ? c.json(run) : error(c, noRun(c.req.param("id")), 404);
  });
  app.post("/runs/:id/cancel", (c) => {
    const id = c.req.param("id");
    const cancelled = operator.cancel(id);
    if (cancelled === undefined) return error(c, noRun(id), 404);
    if (!cancelled.isCancelled) return error(c, `run ${id} is done: nothing of it is left to cancel`, 409);
    return c.json(cancelled.view);
  });

  app.onError((thrown, c) => error(c, textOf(thrown), thrown instanceof BrokerDown ? 503 : 500));
  return app;
}

const noCase = (id: string) => `no case has the ID ${id}, or several begin with it; see: hikvision-sync dead list`;
const noRun = (id: string) => `no run has the ID ${id}; see: hikvision-sync runs`;
const unknownPerson = "no employee with this KIB or NIK is in the ledger; it remembers state.keep_days";
const badSelection = "send a JSON object with any of ids, stage, code, run, limit, rate, dryRun, stale and all";

/** Undefined where the body does not match. An empty body is an empty object. */
async function bodyOf<S extends v.GenericSchema>(c: Context, schema: S): Promise<v.InferOutput<S> | undefined> {
  try {
    const parsed = v.safeParse(schema, JSON.parse((await c.req.text()) || "{}"));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
