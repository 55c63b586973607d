import { timingSafeEqual } from "node:crypto";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Broker } from "../broker/broker.ts";
import { textOf } from "../errors.ts";
import type { Ledger } from "../ledger.ts";
import { runOf, runsOf } from "../ledger-runs.ts";
import type { Log } from "../log.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import type { Upstream } from "../pipeline/upstream.ts";
import type { Secret } from "../secret.ts";
import { parseRequest, type Trigger } from "./trigger.ts";

export interface AppOptions {
  trigger: Trigger;
  ledger: Ledger;
  pipeline: Pipeline;
  broker: Broker;
  upstreams: ReadonlyMap<string, Upstream>;
  /** Without one everybody who reaches the port may trigger: then it listens on loopback only. */
  token?: Secret;
  log: Log;
}

const maxBodyBytes = 64 * 1024;

/** What the daemon answers over HTTP. */
export function createApp({ trigger, ledger, pipeline, broker, upstreams, token, log }: AppOptions): Hono {
  const app = new Hono();
  const error = (text: string) => ({ status: "error", error: text });

  app.use(async (c, next) => {
    // A page in the operator's browser must not be able to start a run.
    const origin = c.req.header("origin");
    if (origin !== undefined && hostOf(origin) !== c.req.header("host")) {
      return c.json(
        error("requests from another origin are refused; call the daemon directly, for example with curl"),
        403,
      );
    }
    if (token && !sameText(c.req.header("authorization") ?? "", `Bearer ${token.reveal()}`)) {
      return c.json(error("the token is missing or wrong; send Authorization: Bearer with http.token"), 401);
    }
    return next();
  });

  const tooLarge = bodyLimit({
    maxSize: maxBodyBytes,
    onError: (c) =>
      c.json(error(`the body is larger than ${maxBodyBytes} bytes; send only from, to, skip, limit and kib`), 413),
  });
  app.post("/eposh-induction", tooLarge, async (c) => {
    const request = parseRequest(await c.req.text());
    if ("problem" in request) return c.json(error(request.problem), 400);
    const wait = !/(^|[\s,;])respond-async($|[\s,;])/i.test(c.req.header("prefer") ?? "");
    const { status, body } = await trigger.start(request, wait);
    if (status === 202) c.header("Location", `/runs/${String(body.run)}`);
    return c.json(body, status);
  });

  app.get("/runs", (c) => c.json({ runs: runsOf(ledger.rows, pipeline.leaves) }));
  app.get("/runs/:id", (c) => {
    const run = runOf(ledger.rows, c.req.param("id"), pipeline.leaves);
    return run ? c.json(run) : c.json(error(`there is no run ${c.req.param("id")}; GET /runs lists them`), 404);
  });

  app.get("/livez", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const stages = pipeline.workers.map(({ placed, pause }) => ({
      name: placed.stage.name,
      paused: pause?.text ?? null,
    }));
    const ready = broker.state === "up" && stages.every(({ paused }) => paused === null);
    const states = Object.fromEntries([...upstreams].map(([name, { state }]) => [name, state]));
    return c.json(
      { ready, broker: broker.state, trouble: broker.trouble ?? null, upstreams: states, stages },
      ready ? 200 : 503,
    );
  });

  app.notFound((c) =>
    c.json(error(`there is no ${c.req.method} ${c.req.path}; there is POST /eposh-induction and GET /runs`), 404),
  );
  app.onError((thrown, c) => {
    log.error(`${c.req.method} ${c.req.path} failed: ${textOf(thrown)}`);
    return c.json(error(log.mask(textOf(thrown))), 500);
  });
  return app;
}

function hostOf(origin: string): string | undefined {
  try {
    return new URL(origin).host;
  } catch {
    return undefined;
  }
}

/** In constant time for texts of one length. */
function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
