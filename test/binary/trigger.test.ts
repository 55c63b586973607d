import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { badPages } from "../../src/simulator/eposh.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { binary, run } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const runId = expect.stringMatching(/^\d{8}T\d{4}-[0-9a-f]{8}$/);
/** Only Eposh is needed: what it gives stays on hikvision_queue. */
const fetchOnly = { STAGES_DISABLED: "apply-access,publisher" };
const slowEposh = (minMs: number, match = "/api/") => ({ eposh: [{ kind: "slow", match, minMs }] }) as const;

async function curl(...words: string[]): Promise<string> {
  const child = Bun.spawn(["curl", "-sS", ...words], { stdout: "pipe", stderr: "pipe" });
  const [out, err] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return out || err;
}

let site: Site;
let small: Site;
let slow: Promise<string>;
const started = new AsyncDisposableStack();
beforeAll(async () => {
  site = started.use(await startSite({ as: "binary", people: 1543, env: fetchOnly }));
  const fewDates = { ...fetchOnly, INDUCTION_TO: "2026-01-06" };
  small = started.use(await startSite({ as: "binary", people: 34, env: fewDates }));
  // In the background while the others run.
  const faults = slowEposh(13_000, "induction_date=2026-01-19");
  const patient = started.use(await startSite({ as: "binary", people: 3, faults, env: fetchOnly }));
  slow = curl("-X", "POST", `${patient.url}/eposh-induction`);
});
afterAll(() => started.disposeAsync());

describe("a trigger", () => {
  test("with a bare curl gets the original's answer", async () => {
    expect(JSON.parse(await curl("-X", "POST", `${site.url}/eposh-induction`))).toEqual({
      status: "queued",
      message: "All dates processed: 1543 employees across 17 pages sent to the embedded queue",
      run: runId,
      employees: 1543,
      pages: 17,
    });
  });

  test("on RabbitMQ gets it word for word, also right after the start", async () => {
    const { simulators } = site;
    const options = { as: "binary", simulators, broker: "rabbitmq", env: fetchOnly, mayWait: true } as const;
    await using other = await startSite(options);
    // On a busy machine a RabbitMQ that has just got its queues may not confirm in the 2 s that an answer may take.
    const answered = async () => {
      const answer = await other.trigger();
      return answer.status === 200 && answer;
    };
    expect(await until(answered, { everyMs: 500, what: "RabbitMQ to confirm in time" })).toMatchObject({
      status: 200,
      body: {
        status: "queued",
        message: "All dates processed: 1543 employees across 17 pages sent to RabbitMQ",
        employees: 1543,
        pages: 17,
      },
    });
  });

  test.each([["application/json"], ["text/plain"], ["application/x-www-form-urlencoded"], ["nonsense"]])(
    "may say what it wants in JSON called %s",
    async (type) => {
      const body = { from: "2026-01-03", to: "2026-01-03" };
      expect(await site.trigger(body, { "content-type": type })).toMatchObject({
        status: 200,
        body: { employees: 95, pages: 1 },
      });
    },
  );

  test.each(["", " ", "{}", "[]", " [ ] ", "null", '{"skip":[]}', '{"from":null,"kib":null}', "--4f2c--\r\n"])(
    "with the body %j asks for nothing: it runs the configured dates",
    async (body) => {
      expect(await small.trigger(body)).toMatchObject({ status: 200, body: { employees: 8, pages: 4 } });
    },
  );

  test.each([
    ["from=2026-01-03&to=2026-01-03", undefined, 95],
    ["from=2026-01-03&to=2026-01-03&limit=2", undefined, 2],
    ["kib=2600001,2601543", undefined, 2],
    ["kib=2600001&kib=2601543", undefined, 2],
    ["from=2026-01-01&to=2026-01-03&skip=2026-01-01", undefined, 95],
    ["limit=3", { from: "2026-01-03", to: "2026-01-03" }, 3],
  ])("may say what it wants in the query: ?%s", async (query, asked, employees) => {
    const answer = await site.post(`/eposh-induction?${query}`, asked);
    expect(answer).toMatchObject({ status: 200, body: { employees } });
  });

  test("for dates without anybody says so", async () => {
    const { status, body } = await site.trigger({ from: "2026-01-10", to: "2026-01-10" });
    expect({ status, body }).toMatchObject({ status: 200, body: { status: "queued", employees: 0, pages: 0 } });
    expect(body.warning).toBe("Eposh has no employees on these dates; check from, to and skip");
  });

  test("for KIB numbers that nobody has says so", async () => {
    const { status, body } = await site.trigger({ from: "2026-01-03", to: "2026-01-03", kib: "1" });
    expect({ status, body }).toMatchObject({ status: 200, body: { employees: 0, pages: 0 } });
    expect(body.warning).toStartWith("Eposh has no employees with these KIB numbers on these dates");
  });

  test("with only from goes up to today", async () => {
    const day = (ago: number) => new Date(Date.now() + 7 * 3_600_000 - ago * 86_400_000).toISOString().slice(0, 10);
    const { body } = await site.trigger({ from: day(2) });
    expect((await site.get(`/runs/${body.run}`)).body.dates).toEqual([day(2), day(1), day(0)]);
  });

  test.each<[string, object, string[]]>([
    [
      "the configured skip only where neither from nor to is said",
      {},
      ["2026-01-01", "2026-01-03", "2026-01-04", "2026-01-06"],
    ],
    ["no skip with a from", { from: "2026-01-01", to: "2026-01-03" }, ["2026-01-01", "2026-01-02", "2026-01-03"]],
    ["its own skip", { from: "2026-01-01", to: "2026-01-03", skip: ["2026-01-01"] }, ["2026-01-02", "2026-01-03"]],
    [
      "its own skip instead of the configured one",
      { skip: ["2026-01-01"] },
      ["2026-01-02", "2026-01-03", "2026-01-04", "2026-01-05"],
    ],
  ])("obeys %s", async (_, asked, dates) => {
    const { body } = await small.trigger(asked);
    const run = (await small.get(`/runs/${body.run}`)).body.dates as string[];
    expect(run.slice(0, Object.hasOwn(asked, "from") ? run.length : 4)).toEqual(dates);
  });

  test.each([
    ["limit 1 is one person", { limit: 1 }, 1, 1],
    ["limit 101 is a page and one more", { from: "2026-01-12", limit: 101, to: "2026-01-13" }, 101, 2],
    ["kib is exactly these people", { kib: ["2600001", "2601543", "nobody"] }, 2, 2],
    ["kib and limit together", { kib: "2600001,2601543".split(","), limit: 1 }, 1, 1],
    ["kib as a number", { kib: 2600002 }, 1, 1],
  ])("%s", async (_, asked, employees, pages) => {
    expect(await site.trigger(asked)).toMatchObject({ status: 200, body: { employees, pages } });
  });
});

describe("what a trigger cannot mean is refused with 400 and a text that names it", () => {
  test.each<[unknown, RegExp]>([
    [{ from: "2026-13-01" }, /from must be a day of the calendar/],
    [{ from: "2026-02-30", to: "2026-03-01" }, /from must be a day/],
    [{ from: "2026-01-01", to: "soon" }, /to must be a day/],
    [{ from: "01/02/2026" }, /from must be a day/],
    [{ from: "2026-01-01", to: "2026-01-02", skip: ["x"] }, /skip must be a day/],
    [{ from: "2026-01-19", to: "2026-01-01" }, /from is after to/],
    [{ from: "2026-01-01", to: "2026-04-03" }, /span 93 days, but at most 92/],
    [{ to: "2026-01-01" }, /from is missing/],
    [{ from: "2026-01-02", to: "2026-01-02", skip: "2026-01-02" }, /no date is left/],
    [{ from: 20260101 }, /from must be a date such as/],
    [{ limit: 0 }, /limit must be a whole number/],
    [{ limit: 1.5 }, /limit must be/],
    [{ limit: "1" }, /limit must be/],
    [{ kib: [{}] }, /kib must be/],
    [
      { form: "2026-01-01" },
      /^form is unknown; the fields are from, to, skip, limit, kib, refresh_faces, skip_unchanged$/,
    ],
    [
      { "3500000000000001": 1 },
      /^a field of the body is unknown; the fields are from, to, skip, limit, kib, refresh_faces, skip_unchanged$/,
    ],
    [{ toString: 1 }, /^toString is unknown; /],
    [{ "": 1 }, /^a field of the body is unknown; /],
    [{ limit: 9007199254740991 }, /limit must be a whole number of people, 1 to 1000000/],
    [[{}], /must be a JSON object/],
    [{ kib: [] }, /kib must be/],
    ['"2026-01-01"', /must be a JSON object/],
    ["from=2026-01-01", /is not JSON; send nothing, or for example/],
    ["{", /is not JSON/],
  ])("%j", async (asked, text) => {
    const { status, body } = await site.trigger(asked);
    expect({ status, body }).toEqual({ status: 400, body: { status: "error", error: expect.stringMatching(text) } });
  });

  test.each([
    ["from=2026-13-01", /from must be a day of the calendar/],
    ["limit=one", /limit must be a whole number/],
    ["limit=1&limit=2", /limit must be a whole number/],
    ["kib=", /kib must be a KIB number or a list of them/],
    ["date=2026-01-03", /^date is unknown; the fields are from, to, skip, limit, kib, refresh_faces, skip_unchanged$/],
    ["3500000000000001", /^a field of the query is unknown; /],
    ["to=2026-01-03", /^to must be in the query or in the body, not in both$/],
  ])("?%s", async (query, text) => {
    const asked = query.startsWith("to=") ? { from: "2026-01-03", to: "2026-01-03" } : undefined;
    const { status, body } = await site.post(`/eposh-induction?${query}`, asked);
    expect({ status, body }).toEqual({ status: 400, body: { status: "error", error: expect.stringMatching(text) } });
  });

  test("92 days are not too many", async () => {
    expect((await small.trigger({ from: "2026-01-01", to: "2026-04-02" })).status).toBe(200);
  });

  test.each([["with its length said"], ["in chunks"]])("over 64 KiB, %s, is 413", async (how) => {
    const bytes = Buffer.alloc(65 * 1024, " ");
    const body = how === "in chunks" ? new Blob([bytes]).stream() : bytes;
    const answer = await fetch(`${site.url}/eposh-induction`, { method: "POST", body });
    expect({ status: answer.status, body: await answer.json() }).toMatchObject({
      status: 413,
      body: { status: "error" },
    });
  });

  test.each(["http://evil.example", "null", "https://127.0.0.1:1"])("from a page of %s is 403", async (origin) => {
    expect((await site.trigger({}, { origin })).status).toBe(403);
  });
});

describe("runs", () => {
  let site: Site;
  beforeAll(async () => {
    site = started.use(await startSite({ as: "binary", people: 3, faults: slowEposh(5_000), env: fetchOnly }));
  });

  test("Prefer: respond-async is answered at once with where to look", async () => {
    const asked = { from: "2026-01-01", to: "2026-01-03" };
    const { status, headers, body } = await site.trigger(asked, { prefer: "respond-async" });
    expect({ status, body }).toEqual({ status: 202, body: { status: "accepted", run: runId } });
    const location = headers.get("location") ?? "";
    expect(location).toBe(`/runs/${body.run}`);
    expect((await site.get(location)).body).toMatchObject({ status: "fetching", fetched: { done: 0, of: 3 } });

    const running = { status: 409, body: { status: "running", run: String(body.run) } };
    expect(await site.trigger({ from: "2026-01-02", to: "2026-01-03" })).toMatchObject(running);
    expect(await site.trigger({ from: "2026-01-03", to: "2026-01-03", limit: 1 })).toMatchObject(running);
    const more = await site.trigger({ from: "2026-01-03", to: "2026-01-04" }, { prefer: "respond-async" });
    expect(more.status).toBe(202);
  });

  test("of two triggers at the same moment only one starts a run", async () => {
    const asked = { from: "2026-01-05", to: "2026-01-07" };
    const both = await Promise.all([1, 2, 3].map(() => site.trigger(asked, { prefer: "respond-async" })));
    expect(both.map(({ status }) => status).sort()).toEqual([202, 409, 409]);
    expect(new Set(both.map(({ body }) => body.run)).size).toBe(1);
  });

  test("a run for some people only keeps nobody from running for all", async () => {
    const asked = { from: "2026-01-08", to: "2026-01-10" };
    expect((await site.trigger({ ...asked, limit: 1 }, { prefer: "respond-async" })).status).toBe(202);
    expect((await site.trigger(asked, { prefer: "respond-async" })).status).toBe(202);
  });

  test("are listed, newest first, with each stage's count of different employees", async () => {
    await using site = await startSite({ as: "binary", people: 20, odd: true });
    const first = await site.induct({ from: "2026-01-01", to: "2026-01-17" });
    expect(first.employees).toBe(18);
    const all = { done: first.employees };
    expect(first).toMatchObject({
      status: "done",
      through: 18,
      dead: 0,
      stages: { induction: all, publisher: all, "create-person": all, "update-kib": all, "assign-privilege": all },
    });
    const second = await site.induct({ from: "2026-01-18", to: "2026-01-18" });
    expect(second.stages["create-person"]).toEqual({ done: second.employees - 10, dead: 10 });
    expect(second.stages["assign-privilege"]).toEqual({ done: second.employees - 10 });
    const { runs } = (await site.get("/runs")).body as { runs: { run: string }[] };
    expect(runs.map(({ run }) => run)).toEqual([second.run, first.run]);
    expect((await site.get("/runs/nothing")).status).toBe(404);
  });

  test("a client that hangs up does not stop the run", async () => {
    await using site = await startSite({ as: "binary", people: 30, faults: slowEposh(3_000) });
    expect(await curl("-X", "POST", "--max-time", "1", `${site.url}/eposh-induction`)).toContain("timed out");
    site.eposh.faults.set();
    await until(() => site.atTheGate().length === 30, { what: "everybody to be there" });
  });
});

describe("when Eposh fails", () => {
  const day = "2026-01-14";
  let failing: Site;
  beforeAll(async () => {
    const env = { ...fetchOnly, BROKER_RETRY_DELAYS: "100ms,200ms,400ms" };
    failing = started.use(await startSite({ as: "binary", people: 1543, env }));
  });

  test.each([
    ["500", instead("500", "", { status: 500 }), "Eposh answered HTTP 500 for page 2 of 2026-01-14"],
    ["200 with a message", badPages.message, "Eposh's answer for page 2 of 2026-01-14 is not a page"],
    ["200 with data null", badPages.nothing, "Eposh's answer for page 2 of 2026-01-14 is not a page"],
    ["200 with HTML", badPages.html, "Eposh's answer for page 2 of 2026-01-14 is not a page"],
    ["an empty page", badPages.empty, "Eposh's page 2 of 2026-01-14 is empty"],
    ["nothing and hangs up", { kind: "reset" } as const, "page 2 of 2026-01-14"],
  ])("with %s the answer is 502 with date and page, and it is tried again until it works", async (_, fault, text) => {
    const { eposh } = failing;
    eposh.faults.set({ ...fault, match: "page=2" });
    const { status, body } = await failing.trigger({ from: day, to: day });
    // n.b. Bun's toMatchObject writes its matchers into what it is given.
    const run = String(body.run);
    expect({ status, body }).toMatchObject({ status: 502, body: { status: "error", run: runId } });
    expect(body.error).toContain(text);
    expect(body.error).toEndWith("; the date will be tried again");
    eposh.faults.set();
    const isFetched = async () => {
      const { employees, status } = (await failing.get(`/runs/${run}`)).body;
      return employees === 155 && status !== "fetching";
    };
    await until(isFetched, { everyMs: 50, what: "the date to be fetched after all" });
  });

  test.each([401, 403])("with %d the answer names eposh.api_key", async (code) => {
    await using site = await startSite({ as: "binary", people: 3, env: fetchOnly });
    site.eposh.faults.set(instead("refused", '{"message":"Unauthenticated."}', { status: code, match: "/api/" }));
    const { status, body } = await site.trigger({ from: day, to: day });
    expect(status).toBe(502);
    expect(body.error).toContain(`Eposh answered HTTP ${code} for page 1 of ${day}: check eposh.api_key`);
    expect(site.output()).not.toContain(site.eposh.apiKey);
  });
});

describe("where it cannot work", () => {
  test("a broker that is down is 503, and nothing of its password is said", async () => {
    const broker = "amqp://guest:kata-sandi@127.0.0.1:1/";
    await using site = await startSite({ as: "binary", broker, mayWait: true });
    const { status, body } = await site.trigger();
    expect({ status, body }).toEqual({
      status: 503,
      body: { status: "error", error: expect.stringContaining("RabbitMQ at 127.0.0.1:1 refuses the connection") },
    });
    expect(site.output()).toContain("  broker         RabbitMQ, 127.0.0.1:1/\n");
    expect(site.output()).not.toContain("kata-sandi");
  });

  test("an induction that is disabled is 503, and not an answer that never comes", async () => {
    const env = { STAGES_DISABLED: "apply-access,induction" };
    await using site = await startSite({ as: "binary", env });
    const { status, body } = await site.trigger();
    expect({ status, error: body.error }).toEqual({ status: 503, error: expect.stringContaining("stages.disabled") });
  });

  test("no answer shows a NIK, not even one that was sent", async () => {
    const answer = await site.fetch("/people/3500000000000001");
    expect({ status: answer.status, text: await answer.text() }).toEqual({
      status: 404,
      text: expect.stringMatching(/unknown route GET \/people\/\[nik\]; use POST/),
    });
    expect((await site.get("/runs/3500000000000001")).body.error).toContain("no run has the ID [nik]");
  });

  test("a port that is taken ends with 69 and names it", async () => {
    const { port } = new URL(site.url);
    const { exit, err } = await site.cli("serve", { STATE_FOLDER: temporaryFolder(), HTTP_PORT: port });
    expect({ exit, err }).toEqual({ exit: 69, err: expect.stringContaining(`port ${port} of 127.0.0.1 is taken`) });
  });

  test("a configuration with unknown, missing and wrong keys ends with 78 and names all of them, and no value", async () => {
    const env = { EPOSH_URL: "nilai-1", HTTP_PORT: "nilai-2", STAGES_PUBLISHER_FOO: "nilai-3", LOG_LEVEL: "nilai-4" };
    const { exit, out, err } = await run("serve", env);
    expect({ exit, out }).toEqual({ exit: 78, out: "" });
    for (const name of [
      "eposh.url",
      "http.port",
      "log.level",
      "eposh.api_key",
      "hikcentral.url",
      "hikcentral.app_secret",
    ])
      expect(err).toContain(name);
    expect(err).not.toContain("nilai");
  });
});

describe("hikvision-sync trigger", () => {
  let few: Site;
  beforeAll(async () => {
    few = started.use(await startSite({ as: "binary", people: 20 }));
  });

  test("ends with 0 when everybody is through", async () => {
    const { exit, out, err } = await few.cli("trigger");
    expect({ exit, out }).toEqual({
      exit: 0,
      out: expect.stringMatching(/: 20 employees, 20 through, 0 with a case, 0 open; 0 without a face\n$/),
    });
    expect(err).toContain("employees 20/20");
    const one = await few.cli("trigger --from 2026-01-03 --to 2026-01-03 --limit 1");
    expect(one).toMatchObject({ exit: 0, out: expect.stringContaining(": 1 employees,") });
    const two = await few.cli("trigger --kib 2600001,2600020");
    expect(two).toMatchObject({ exit: 0, out: expect.stringContaining(": 2 employees,") });
  });

  test.each([
    ["dead letters", { name: null }, "2026-01-20", "dead letter bad_name: 1"],
    ["people without a face", { photo: null }, "2026-01-21", "warning no_photo: 1"],
  ])("ends with 1 where there are %s", async (_, change, date, text) => {
    const own = { identity_number: nikOf(Number(date.slice(-2)), "1990-01-31"), kib_number: `93${date.slice(-2)}` };
    few.eposh.days.set(date, [budi(few, { ...own, ...change })]);
    const { exit, out } = await few.cli(`trigger --from ${date} --to ${date}`);
    expect({ exit, out }).toEqual({ exit: 1, out: expect.stringContaining(text) });
  });

  test("stops, says so and ends with 1 when the counts stand still", async () => {
    const { exit, err } = await site.cli("trigger --from 2026-01-03 --to 2026-01-03 --patience 3s");
    expect({ exit, err }).toEqual({
      exit: 1,
      err: expect.stringMatching(
        /run \S+: no progress for \S+ \(0 of 95 employees done\)\. The daemon continues; see: hikvision-sync status/,
      ),
    });
  });

  test("at Ctrl-C says where the run goes on, and ends with 1", async () => {
    const command = [binary, "trigger", "--from", "2026-01-03", "--to", "2026-01-03"];
    const child = Bun.spawn(command, { env: { STATE_FOLDER: site.folder }, stdout: "pipe", stderr: "pipe" });
    let err = "";
    for await (const bytes of child.stderr) {
      if (err === "") child.kill("SIGINT");
      err += new TextDecoder().decode(bytes);
    }
    expect({ exit: await child.exited, err }).toEqual({
      exit: 1,
      err: expect.stringMatching(/run (\S+) continues in the daemon; see: hikvision-sync runs \1\n$/),
    });
  });

  test("ends with 69 where no daemon answers, and says how to start it", async () => {
    const { exit, err } = await run("trigger", { STATE_FOLDER: "/nowhere" });
    const text = "no daemon answers at /nowhere/operator.sock. Start it: systemctl start hikvision-sync";
    expect({ exit, err }).toEqual({ exit: 69, err: expect.stringContaining(text) });
  });

  test.each([
    ["--from yesterday", "from must be a day"],
    ["--limit many", "--limit must be a whole number from 1 to 1000000"],
    ["--limit 0", "--limit must be"],
    ["--patience long", "--patience must be a duration"],
    ["--form 2026-01-01", "did you mean --from?"],
  ])("%s ends with 64", async (words, text) => {
    const { exit, err } = await site.cli(`trigger ${words}`);
    expect({ exit, err }).toEqual({ exit: 64, err: expect.stringContaining(text) });
  });
});

test("a trigger answers after more than 12 s of fetching, to plain curl", async () => {
  expect(JSON.parse(await slow)).toMatchObject({ status: "queued", employees: 3 });
});

test("the daemons that all of these shared stop with 0", () => started.disposeAsync());
