import { Hono } from "hono";
import * as v from "valibot";
import type { RunRequest, RunStarter, Started } from "./run-starter.ts";

/** `POST /eposh-induction`: starts a run, and answers when all its dates are fetched or, if asked, at once. */
export function inductionRoute(starter: RunStarter): Hono {
  const app = new Hono();
  app.post("/eposh-induction", async (c) => {
    const request = parseRequest(await c.req.text());
    if ("problem" in request) return c.json(error(request.problem), 400);
    const wait = !/(^|[\s,;])respond-async($|[\s,;])/i.test(c.req.header("prefer") ?? "");
    const started = await starter.start(request, wait);
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

const statuses = { accepted: 202, fetched: 200, running: 409, refused: 400, failed: 502, unavailable: 503 } as const;

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

const list = v.pipe(
  v.union([v.string(), v.number(), v.array(v.union([v.string(), v.number()]))]),
  v.transform((value) =>
    [value]
      .flat()
      .flatMap((one) => String(one).split(","))
      .map((one) => one.trim()),
  ),
  v.minLength(1),
  v.everyItem((one) => one !== ""),
);
const asked = v.strictObject({
  from: v.optional(v.string()),
  to: v.optional(v.string()),
  skip: v.optional(list),
  limit: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000))),
  kib: v.optional(list),
});
const expectations: Record<string, string> = {
  from: "a date such as 2026-01-31",
  to: "a date such as 2026-01-31",
  skip: "a date or a list of dates",
  limit: "a whole number of people, 1 to 1000000",
  kib: "a KIB number or a list of them",
};

/** The body of a trigger: empty, or a JSON object; the content type does not matter. */
function parseRequest(text: string): RunRequest | { problem: string } {
  let body: unknown = {};
  try {
    if (text.trim() !== "") body = JSON.parse(text);
  } catch {
    return {
      problem: 'the body is not JSON; send nothing, or for example {"from":"2026-01-01","to":"2026-01-19"}',
    };
  }
  const parsed = v.safeParse(asked, body);
  if (parsed.success && !Array.isArray(body)) return parsed.output;
  if (!parsed.issues) return { problem: "the body must be a JSON object" };
  const problems = parsed.issues.map((issue) => {
    const [first] = issue.path ?? [];
    const key = String(first?.key ?? "");
    if (first === undefined) return "the body must be a JSON object";
    if (Object.hasOwn(expectations, key)) return `${key} must be ${expectations[key]}`;
    // Only a plain word is quoted: anything else may be a NIK.
    const named = /^[a-z_-]{1,30}$/i.test(key) ? key : "a field of the body";
    return `${named} is unknown; the fields are ${Object.keys(expectations).join(", ")}`;
  });
  return { problem: [...new Set(problems)].join("; ") };
}
