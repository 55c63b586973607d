import { type Context, Hono } from "hono";
import * as v from "valibot";
import { BrokerDown } from "../broker/broker.ts";
import { textOf } from "../errors.ts";
import { selection } from "../operator/dead-letters.ts";
import type { Operator } from "../operator/operator.ts";

type Status = 400 | 404 | 500 | 503;

const done = { replay: "replayed", drop: "dropped" } as const;

/** What operators see and do over HTTP; the commands speak to the same routes. Who shows an answer masks it. */
export function operatorRoutes(operator: Operator): Hono {
  const app = new Hono();
  const error = (c: Context, text: string, status: Status, more: object = {}) =>
    c.json({ status: "error", error: text, ...more }, status);

  app.get("/status", async (c) => c.json(await operator.status()));

  app.get("/dead", async (c) => {
    const { stage, code, run } = c.req.query();
    return c.json(await operator.dead.list({ stage, code, run }));
  });
  app.get("/dead/:id", async (c) => {
    const letter = await operator.dead.show(c.req.param("id"));
    return letter ? c.json(letter) : error(c, noLetter(c.req.param("id")), 404);
  });
  app.post("/dead/:verb{replay|drop}", async (c) => {
    const verb = c.req.param("verb") as keyof typeof done;
    const asked = await bodyOf(c, selection);
    if (asked === undefined) return error(c, badSelection, 400);
    const { ids, stage, code, run, all } = asked;
    if (verb === "drop" && !all && (ids ?? stage ?? code ?? run) === undefined)
      return error(c, "dropping is for good: say which by ids, stage, code or run, or that all are meant", 400);
    const { count, left, unknown, trouble } = await operator.dead[verb](asked, c.req.raw.signal);
    const result = { [done[verb]]: count };
    if (trouble) return error(c, `${trouble}; ${count} were ${done[verb]} before`, 503, result);
    const found = count > 0 || left.length > 0 || unknown.length === 0;
    return found ? c.json({ ...result, left, unknown }) : error(c, noLetter(unknown.join(", ")), 404);
  });

  // n.b. POST, because a NIK in an address would be in every log on the way.
  app.post("/trace", async (c) => {
    const asked = await bodyOf(c, v.strictObject({ key: v.pipe(v.string(), v.trim(), v.nonEmpty()) }));
    if (asked === undefined) return error(c, 'send {"key":"a KIB or NIK"}', 400);
    const traces = operator.trace(asked.key);
    return traces.length > 0 ? c.json({ journeys: traces }) : error(c, unknownPerson, 404);
  });

  app.post("/stages/:stage/pause", (c) => {
    const stage = c.req.param("stage");
    const names = operator.options.registered.flatMap((one) => (one.enabledHere ? [one.stage.name] : [])).join(", ");
    return operator.pause(stage)
      ? c.json({ paused: stage })
      : error(c, `there is no stage ${stage} at work here; there is ${names}`, 404);
  });
  app.post("/stages/:stage/resume", (c) => {
    const stage = c.req.param("stage");
    return operator.resume(stage)
      ? c.json({ resumed: stage })
      : error(c, `no operator paused ${stage}; see hikvision-sync status`, 404);
  });

  app.get("/runs", async (c) => c.json({ runs: await operator.runs() }));
  app.get("/runs/:id", (c) => {
    const run = operator.run(c.req.param("id"));
    return run ? c.json(run) : error(c, noRun(c.req.param("id")), 404);
  });
  app.post("/runs/:id/cancel", (c) => {
    const run = operator.cancel(c.req.param("id"));
    return run ? c.json(run) : error(c, noRun(c.req.param("id")), 404);
  });

  app.onError((thrown, c) => error(c, textOf(thrown), thrown instanceof BrokerDown ? 503 : 500));
  return app;
}

const noLetter = (id: string) => `there is no dead letter ${id}; hikvision-sync dead list names them`;
const noRun = (id: string) => `there is no run ${id}; hikvision-sync runs lists them`;
const unknownPerson = "nobody with this KIB or NIK is in the ledger (state.keep_days says how long it remembers)";
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
