import { type Context, Hono } from "hono";
import * as v from "valibot";
import { BrokerDown } from "../broker/broker.ts";
import { type Handled, selection } from "../dead-letters.ts";
import { textOf } from "../errors.ts";
import type { Operator } from "../operator.ts";

type Status = 200 | 400 | 404 | 500 | 503;

/** What operators see and do over HTTP; the commands speak to the same routes. Every answer is masked. */
export function operatorRoutes(operator: Operator): Hono {
  const { mask } = operator.options;
  const app = new Hono();
  const answer = (c: Context, value: object, status: Status = 200) =>
    c.body(mask(JSON.stringify(value)), status, { "content-type": "application/json" });
  const error = (c: Context, text: string, status: Status) => answer(c, { status: "error", error: text }, status);

  app.get("/status", async (c) => answer(c, await operator.status()));

  app.get("/dead", async (c) => {
    const { stage, code, run } = c.req.query();
    return answer(c, await operator.dead.list({ stage, code, run }));
  });
  app.get("/dead/:id", async (c) => {
    const letter = await operator.dead.show(c.req.param("id"));
    return letter ? answer(c, letter) : error(c, noLetter(c.req.param("id")), 404);
  });
  const handle = (c: Context, { count, left, unknown, trouble }: Handled, done: string) => {
    if (trouble) return answer(c, { error: `${trouble}; ${count} were ${done} before`, [done]: count }, 503);
    const found = count > 0 || left.length > 0 || unknown.length === 0;
    return found ? answer(c, { [done]: count, left, unknown }) : error(c, noLetter(unknown.join(", ")), 404);
  };
  app.post("/dead/replay", async (c) => {
    const asked = await bodyOf(c, selection);
    if (asked === undefined) return error(c, badSelection, 400);
    return handle(c, await operator.dead.replay(asked, c.req.raw.signal), "replayed");
  });
  app.post("/dead/drop", async (c) => {
    const asked = await bodyOf(c, selection);
    if (asked === undefined) return error(c, badSelection, 400);
    const { ids, stage, code, run, all } = asked;
    if (!all && (ids ?? stage ?? code ?? run) === undefined)
      return error(c, "dropping is for good: say which by ids, stage, code or run, or that all are meant", 400);
    return handle(c, await operator.dead.drop(asked, c.req.raw.signal), "dropped");
  });

  // n.b. POST, because a NIK in an address would be in every log on the way.
  app.post("/trace", async (c) => {
    const asked = await bodyOf(c, v.strictObject({ key: v.pipe(v.string(), v.trim(), v.nonEmpty()) }));
    if (asked === undefined) return error(c, 'send {"key":"a KIB or NIK"}', 400);
    const journeys = operator.trace(asked.key);
    return journeys.length > 0 ? answer(c, { journeys }) : error(c, nobody, 404);
  });

  app.post("/stages/:stage/pause", (c) => {
    const stage = c.req.param("stage");
    const names = operator.options.placed.flatMap((one) => (one.consumed ? [one.stage.name] : [])).join(", ");
    return operator.pause(stage)
      ? answer(c, { paused: stage })
      : error(c, `there is no stage ${stage} at work here; there is ${names}`, 404);
  });
  app.post("/stages/:stage/resume", (c) => {
    const stage = c.req.param("stage");
    return operator.resume(stage)
      ? answer(c, { resumed: stage })
      : error(c, `no operator paused ${stage}; see hikvision-sync status`, 404);
  });

  app.get("/runs", async (c) => answer(c, { runs: await operator.runs() }));
  app.get("/runs/:id", (c) => {
    const run = operator.run(c.req.param("id"));
    return run ? answer(c, run) : error(c, noRun(c.req.param("id")), 404);
  });
  app.post("/runs/:id/cancel", (c) => {
    const run = operator.cancel(c.req.param("id"));
    return run ? answer(c, run) : error(c, noRun(c.req.param("id")), 404);
  });

  app.onError((thrown, c) => error(c, textOf(thrown), thrown instanceof BrokerDown ? 503 : 500));
  return app;
}

const noLetter = (id: string) => `there is no dead letter ${id}; hikvision-sync dead list names them`;
const noRun = (id: string) => `there is no run ${id}; hikvision-sync runs lists them`;
const nobody = "nobody with this KIB or NIK is in the ledger (state.keep_days says how long it remembers)";
const badSelection =
  "send a JSON object of ids, stage, code and run, and of limit and rate (whole numbers), dryRun, stale and all";

/** Undefined where it does not fit. An empty body is an empty object. */
async function bodyOf<S extends v.GenericSchema>(c: Context, schema: S): Promise<v.InferOutput<S> | undefined> {
  try {
    const parsed = v.safeParse(schema, JSON.parse((await c.req.text()) || "{}"));
    return parsed.success ? parsed.output : undefined;
  } catch {
    return undefined;
  }
}
