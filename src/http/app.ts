import { Hono } from "hono";
import type { Secret } from "../config/secret.ts";
import { textOf } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { SharedExamination } from "../operator/examination.ts";
import type { Operator } from "../operator/operator.ts";
import type { Attempts } from "../util/access/attempts.ts";
import { visibleJson } from "../util/text/visible.ts";
import { createAccess } from "./auth.ts";
import { inductionRoute } from "./induction-route.ts";
import { operatorRoutes } from "./operator-routes.ts";
import type { RunStarter } from "./run-starter.ts";

export interface AppOptions {
  trigger: RunStarter;
  operator: Operator;
  health: Hono;
  /** Of the upstreams and the broker as the daemon itself reaches them. */
  examination: SharedExamination;
  /** The page; undefined where it is switched off. */
  ui: Hono | undefined;
  /** Wrong tokens, also those of the page's login. */
  attempts: Attempts;
  http: { host: string; token?: Secret | undefined };
  /** How operators' commands write times. */
  timeZone: string;
  log: Log;
}

export const timeZoneHeader = "HS-Time-Zone";

/** What the daemon answers over HTTP. */
export function createApp(options: AppOptions): Hono {
  const { trigger, operator, health, examination, ui, attempts, http, timeZone, log } = options;
  const app = new Hono();
  const error = (text: string) => ({ status: "error", error: text });

  app.use(createAccess({ ...http, attempts, log }));
  /** No answer may show a NIK, a secret or what a terminal obeys, not even one that quotes the request. */
  app.use(async (c, next) => {
    await next();
    c.header(timeZoneHeader, timeZone);
    if (c.res.headers.get("content-type")?.startsWith("application/json"))
      c.res = new Response(visibleJson(log.mask(await c.res.text())), c.res);
  });

  app.route("/", inductionRoute(trigger, { hasToken: http.token !== undefined }));

  app.route("/", operatorRoutes(operator));

  app.route("/", health);

  if (ui) app.route("/", ui);
  else app.get("/", (c) => c.text("The page is switched off (http.ui = false). See: hikvision-sync status"));

  app.post("/doctor", async (c) => {
    await examination.begin();
    return c.json({ examinations: await examination.answer() });
  });
  /** How the last one goes on. */
  app.get("/doctor", async (c) => c.json({ examinations: await examination.answer() }));

  app.notFound((c) =>
    c.json(error(`unknown route ${c.req.method} ${c.req.path}; use POST /eposh-induction or GET /runs`), 404),
  );
  app.onError((thrown, c) => {
    log.error(`${c.req.method} ${c.req.path} failed: ${textOf(thrown)}`);
    return c.json(error(textOf(thrown)), 500);
  });
  return app;
}
