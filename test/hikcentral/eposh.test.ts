import { describe, expect, test } from "bun:test";
import { Secret } from "../../src/config/secret.ts";
import { createEposh } from "../../src/upstreams/eposh.ts";
import { closing, failureOf } from "./gateway.ts";

const page = (data: unknown[], total = data.length, last = 1) => ({
  data,
  pagination: { current_page: 1, last_page: last, total },
});

function eposhThat(answer: (request: Request) => Response | Promise<Response>, timeoutMs = 5000) {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  closing({ [Symbol.asyncDispose]: () => server.stop(true) });
  return clientOf(`http://127.0.0.1:${server.port}/api/inductions?site=1`, timeoutMs);
}
function clientOf(url: string, timeoutMs = 5000) {
  const keys = { apiKey: new Secret("test-api-key"), appId: new Secret("test-app-id") };
  const now = () => Date.parse("2026-01-05T00:00:00Z");
  const client = createEposh({ url, ...keys, pageSize: 100, timeoutMs, now });
  const { signal } = new AbortController();
  return { page: client.for(signal).page, probe: () => client.probe(signal) };
}

test("a page is asked for with date, page, limit and both keys", async () => {
  const seen: string[] = [];
  const eposh = eposhThat(({ url, headers }) => {
    seen.push(new URL(url).search, headers.get("x-api-key") ?? "", headers.get("x-app-id") ?? "");
    return Response.json(page([]));
  });
  await eposh.page("2026-01-05", 2);
  expect(seen).toEqual([
    "?site=1&induction_date=2026-01-05&include_base64=false&page=2&limit=100",
    "test-api-key",
    "test-app-id",
  ]);
});

test("employees come through unchanged: unknown fields, nulls and numbers too long for JavaScript", async () => {
  const body =
    '{"data":[{"identity_number":9171010101900003,"name":null,"more":{"a":[1]}},7],"pagination":{"current_page":1,"last_page":1,"total":2,"x":1}}';
  const eposh = eposhThat(() => new Response(body, { headers: { "content-type": "text/html" } }));
  expect(JSON.stringify(await eposh.page("2026-01-05", 1))).toBe(body);
});

test.each([
  ["a message", { message: "Server busy" }],
  ["data null", { data: null, pagination: { current_page: 1, last_page: 1, total: 0 } }],
  ["no pagination", { data: [] }],
  ["nothing on a page that should have people", page([], 155, 2)],
  ["HTML", "<html>login</html>"],
  ["nothing", ""],
])("200 with %s is a failure that names date and page, never an empty page", async (_, body) => {
  const eposh = eposhThat(() => (typeof body === "string" ? new Response(body) : Response.json(body)));
  const failure = await failureOf(eposh.page("2026-01-05", 2));
  expect(failure).toMatchObject({ kind: "retry", code: "eposh_bad_page" });
  expect(failure.message).toContain("page 2 of 2026-01-05");
});

test("a date without people is an empty page, and a page that is empty while Eposh counts people is a failure", async () => {
  expect((await eposhThat(() => Response.json(page([], 0))).page("2026-01-05", 1)).data).toEqual([]);
  const failure = await failureOf(eposhThat(() => Response.json(page([], 155, 2))).page("2026-01-05", 3));
  expect(failure).toMatchObject({ kind: "retry", code: "eposh_bad_page" });
});

test.each([401, 403])("%i is a set-up fault that names eposh.api_key", async (status) => {
  const failure = await failureOf(eposhThat(() => new Response("", { status })).page("2026-01-05", 1));
  expect(failure).toMatchObject({ kind: "unavailable", reason: "setup", upstream: "eposh" });
  expect(failure.message).toContain("eposh.api_key");
});

test("404 and a redirect may be about one date or about all, and the keys follow no redirect", async () => {
  let asked = 0;
  for (const status of [404, 400, 422, 302]) {
    const answer = () => {
      asked++;
      return new Response("", { status, headers: { location: "/elsewhere" } });
    };
    const failure = await failureOf(eposhThat(answer).page("2026-01-05", 1));
    expect(failure).toMatchObject({ kind: "unavailable", reason: "setup", mayBeOne: true });
    expect(failure.message).toContain(`HTTP ${status} for page 1 of 2026-01-05; if it answers so for every date`);
  }
  expect(asked).toBe(4);
});

describe("a page is read in its charset:", () => {
  const json = JSON.stringify(page([{ name: "Šárka Müller" }]));
  const utf16 = Buffer.from(json, "utf16le");
  const latin = Buffer.from(JSON.stringify(page([{ name: "Müller" }])), "latin1");
  test.each([
    ["UTF-8 without a label", Buffer.from(json), "application/json", "Šárka Müller"],
    ["UTF-8 with a byte order mark", Buffer.from(`\ufeff${json}`), "application/json", "Šárka Müller"],
    ["UTF-8 with a wrong label", Buffer.from(json), "application/json; charset=iso-8859-1", "Šárka Müller"],
    ["UTF-8 with a label that is none", Buffer.from(json), 'application/json; charset="x-none"', "Šárka Müller"],
    ["Latin-1 that says so", latin, "application/json; charset=ISO-8859-1", "Müller"],
    ["UTF-16 that says so", utf16, "application/json;charset=utf-16le", "Šárka Müller"],
  ])("%s", async (_, body, type, name) => {
    const eposh = eposhThat(() => new Response(body, { headers: { "content-type": type } }));
    expect((await eposh.page("2026-01-05", 1)).data).toEqual([{ name }]);
  });

  test.each([
    ["Latin-1 without a label", latin],
    ["a letter that was lost before", Buffer.from(json.replace("ü", "\ufffd"))],
    ["a letter that was lost before, escaped", Buffer.from(json.replace("ü", "\\uFFFD"))],
  ])("%s is refused with its reason", async (_, body) => {
    const failure = await failureOf(eposhThat(() => new Response(body)).page("2026-01-05", 1));
    expect(failure).toMatchObject({ kind: "retry", code: "eposh_bad_page" });
    expect(failure.message).toBe(
      "Eposh's page 1 of 2026-01-05 has letters that its charset does not hold: names would be wrong",
    );
  });
});

test("5xx, a closed port and a time-out suspect eposh and name date and page, never the address", async () => {
  for (const eposh of [
    eposhThat(() => new Response("", { status: 503 })),
    clientOf("http://127.0.0.1:1/x?token=abc"),
    eposhThat(() => new Promise(() => {}), 50),
  ]) {
    const failure = await failureOf(eposh.page("2026-01-05", 1));
    expect(failure).toMatchObject({ kind: "retry", code: "eposh_unavailable", suspect: "eposh" });
    expect(failure.message).toContain("page 1 of 2026-01-05");
    expect(Bun.inspect(failure)).not.toMatch(/test-api-key|test-app-id|token=abc|127\.0\.0\.1/);
  }
});

test.each([
  ["120", 120_000],
  ["Mon, 05 Jan 2026 00:01:00 GMT", 60_000],
  ["soon", undefined],
])("429 with Retry-After %s is a retry after %p ms", async (header, afterMs) => {
  const eposh = eposhThat(() => new Response("", { status: 429, headers: { "retry-after": header } }));
  const failure = await failureOf(eposh.page("2026-01-05", 1));
  expect(failure).toMatchObject({ kind: "retry", suspect: undefined, afterMs });
});

test("the probe takes any answer below 500 for up", async () => {
  expect(await eposhThat(() => new Response("", { status: 401 })).probe()).toBe(true);
  expect(await eposhThat(() => new Response("", { status: 502 })).probe()).toBe(false);
  expect(await clientOf("http://127.0.0.1:1").probe()).toBe(false);
});
