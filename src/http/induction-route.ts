import { Hono } from "hono";
import { sourceOf } from "../util/access/attempts.ts";
import { parseRequest } from "./induction-request.ts";
import type { Connection } from "./listen.ts";
import type { RunRequest, RunStarter, Started } from "./run-starter.ts";
import { operatorCaller } from "./waiting-runs.ts";

/** `POST /eposh-induction`: starts a run, and answers when all its dates are fetched or, if asked, at once. */
export function inductionRoute(starter: RunStarter, { hasToken }: { hasToken: boolean }): Hono {
  const app = new Hono();
  app.post("/eposh-induction", async (c) => {
    const request = parseRequest(await c.req.text(), new URL(c.req.url).searchParams);
    if ("problem" in request) return c.json(error(request.problem), 400);
    const wait = !/(^|[\s,;])respond-async($|[\s,;])/i.test(c.req.header("prefer") ?? "");
    const connection: Connection = c.env ?? {};
    // With a token whoever gets here has shown it.
    const isOperator = connection.isOperator || hasToken;
    const address = connection.requestIP?.(c.req.raw)?.address ?? "unknown";
    const started = await starter.start(request, wait, undefined, isOperator ? operatorCaller : sourceOf(address));
    if (started.outcome === "accepted") c.header("Location", `/runs/${started.run}`);
    return c.json(bodyOf(started, request.kib), statuses[started.outcome]);
  });
  return app;
}

const error = (text: string, run?: string) => ({
  status: "error",
  error: text,
  ...(run === undefined ? {} : { run }),
});

const statuses = {
  accepted: 202,
  fetched: 200,
  running: 409,
  refused: 400,
  crowded: 429,
  failed: 502,
  unavailable: 503,
} as const;

function bodyOf(started: Started, kib: RunRequest["kib"]) {
  switch (started.outcome) {
    case "accepted":
    case "running":
      return { status: started.outcome, run: started.run };
    case "fetched": {
      const { run, employees, pages, to } = started;
      const message = `All dates processed: ${employees} employees across ${pages} pages sent to ${to}`;
      const warning = employees === 0 ? { warning: noEmployees(kib) } : {};
      return { status: "queued", message, run, employees, pages, ...warning };
    }
    case "refused":
    case "crowded":
      return error(started.text);
    case "failed":
    case "unavailable":
      return error(started.text, started.run);
  }
}

/** The text about a run for which Eposh returned no employee. */
export const noEmployees = (kib?: readonly string[]) =>
  kib
    ? "Eposh has no employees with these KIB numbers on these dates; check kib, from, to and skip"
    : "Eposh has no employees on these dates; check from, to and skip";
