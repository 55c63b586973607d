import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { todayIn } from "../../src/config/dates.ts";
import { readConfig } from "../../src/config/load.ts";
import { type Employee, employee } from "../../src/simulator/people.ts";
import { Sessions } from "../../src/ui/sessions.ts";
import { placeOnRabbit } from "../support/rabbitmq.ts";
import { wayToRabbit } from "../support/rabbitmq-proxy.ts";
import { type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { Visitor } from "../support/visitor.ts";

const token = "contoh-token-1234";
const today = todayIn("Asia/Jakarta");
const script = "<script>alert(1)</script>";
const names = {
  2600001: `${script} <b>Tebal</b>`,
  2600002: `"><img src=x onerror="alert(1)"> 'Kutip' & Co`,
  2600003: "Budi \u202egnitseb\u202c Terbalik",
  2600004: `Panjang ${"Sekali ".repeat(42)}`.slice(0, 300),
};

let site: InProcessSite;
const opened = new AsyncDisposableStack();
let way: Awaited<ReturnType<typeof wayToRabbit>>;
let operator: Visitor;
let run: string;
const env = { HTTP_TOKEN: token, BROKER_SHUTDOWN_TIMEOUT: "8s" };

/** Those who cannot pass have no NIK. */
function people(): Employee[] {
  const link = `${new URL(site.eposh.url).origin}/photos/kib/-1767600001.png`;
  return Object.entries(names).flatMap(([kib, name], index) => [
    { ...employee(index + 1, 0, link), kib_number: kib, name },
    { ...employee(index + 11, 0, link), kib_number: `${Number(kib) + 10}`, name, identity_number: "123" },
  ]);
}

beforeAll(async () => {
  way = opened.use(await wayToRabbit(opened.use(await placeOnRabbit()).url));
  site = opened.use(await startSite({ broker: way.url, env }));
  site.eposh.days.set(today, people());
  const text = JSON.stringify({ code: "2", msg: `Incorrect request parameter ${script}`, data: "" });
  site.hikcentral.faults.set({ kind: "answer", body: text, match: "customFieldsUpdate", holds: "2600002" });
  run = (await site.induct({ from: today, to: today })).run;
  operator = await Visitor.of(site, token);
}, 120_000);
afterAll(() => opened.disposeAsync(), 60_000);

const linksIn = (html: string, pattern: RegExp) => [
  ...new Set([...html.matchAll(pattern)].map(([, link = ""]) => link)),
];
const caseLinks = async () => linksIn(await operator.html("/ui/cases"), /href="(\/ui\/cases\/[^"]+)"/g);
const confirmLinks = (html: string) =>
  linksIn(html, /href="(\/ui\/do\/[^"]+)"/g).map((link) => link.replaceAll("&amp;", "&"));

/** Every kind of page there is. */
async function everyPage(): Promise<string[]> {
  const [first = "", ...cases] = await caseLinks();
  const person = await operator.find("2600001");
  const confirms = [
    ...confirmLinks(await operator.html(first)),
    ...confirmLinks(await operator.html("/ui/cases")).slice(0, 2),
  ];
  const others = [
    "/ui/people",
    "/ui/cases",
    "/ui/runs",
    "/ui/runs/new",
    `/ui/runs/${run}`,
    "/ui/system",
    "/ui/cases.csv",
  ];
  return ["/ui/", ...others, first, ...cases, person, `/ui/do/pause?stage=face`, ...confirms];
}

/** Two seconds, and one that a busy machine may take. */
const inTimeMs = 3_000;

async function timed(path: string) {
  const startedAt = performance.now();
  const answer = await operator.get(path);
  const html = await answer.text();
  return { path, status: answer.status, html, isInTime: performance.now() - startedAt < inTimeMs };
}

describe("whatever people write", () => {
  test("names and texts with markup, quotes and direction marks are shown as they are written", async () => {
    const pages = await everyPage();
    for (const kib of Object.keys(names)) pages.push(await operator.find(kib));
    await operator.find("Tebal");
    for (const path of [...pages, "/ui/people"]) {
      const html = await operator.html(path);
      if (path === "/ui/cases.csv") continue;
      expect({ path, has: /<b>|<script>alert|<img src=x|[\u202a-\u202e]/.exec(html)?.[0] }).toEqual({
        path,
        has: undefined,
      });
    }
    expect(await operator.html(await operator.find("2600011"))).toContain(
      "&lt;script&gt;alert(1)&lt;/script&gt; &lt;b&gt;Tebal",
    );
    expect(await operator.html(await operator.find("2600013"))).toContain("Budi \\u202egnitseb\\u202c Terbalik");
    const bodies = await Promise.all((await caseLinks()).map((path) => operator.html(path)));
    const foreign = bodies.find(
      (html) => html.includes("Incorrect request parameter") || html.includes("bad_kib_number"),
    );
    expect(foreign).toBeDefined();
  });

  test("a search and a login take any text, and too long a one is refused", async () => {
    for (const key of [script, '"', "%", "_", "\u202e", "' or 1=1 --", "0", "-1"]) {
      const answer = await operator.post("/ui/people", { key });
      expect([key, answer.status]).toEqual([key, 303]);
      expect(answer.headers.get("location")).toStartWith("/ui/people");
      expect(await operator.html("/ui/people")).not.toContain(script);
    }
    for (const form of [{ key: "x".repeat(101) }, { key: " " }, "", "key=a&key=b"])
      expect((await operator.post("/ui/people", form)).status).toBe(400);
    const stranger = new Visitor(site);
    for (const form of ["", "name=Rina", `token=${token}`, `name=Rina&token=${token}&token=${token}`, "name=+&token=x"])
      expect([form, (await stranger.post("/ui/login", form)).status]).toEqual([form, 400]);
    expect(stranger.cookie).toBe("");
  });
});

describe("a form", () => {
  test("from a foreign origin does nothing", async () => {
    const form = await operator.form("/ui/do/pause?stage=face");
    for (const origin of ["http://gate.example", "null", "http://127.0.0.1"])
      expect((await operator.post("/ui/do/pause", { form, stage: "face" }, { origin })).status).toBe(403);
    expect((await site.stage("face"))?.state).toBe("working");
  });

  test("is taken once, by the session that it was made for, and whole", async () => {
    const form = await operator.form("/ui/do/pause?stage=kib");
    const other = await Visitor.of(site, token, "Sari");
    expect((await other.post("/ui/do/pause", { form, stage: "kib" })).status).toBe(400);
    const wrong = [
      "",
      "stage=kib",
      `form=${form}`,
      `stage=kib&stage=face&form=${form}`,
      `stage=kib&form=${form}&form=${form}`,
    ];
    for (const body of [...wrong, `stage=kib&form=${form}&more=1`, `stage=&form=${form}`, "stage=kib&form=x"])
      expect([body, (await operator.post("/ui/do/pause", body)).status]).toEqual([body, 400]);
    expect((await site.stage("kib"))?.state).toBe("working");
    expect((await operator.post("/ui/do/pause", { form, stage: "kib" })).status).toBe(303);
    expect((await operator.post("/ui/do/pause", { form, stage: "kib" })).status).toBe(400);
    const resume = await operator.form("/ui/do/resume?stage=kib");
    expect((await operator.post("/ui/do/resume", { form: resume, stage: "kib" })).status).toBe(303);
  });

  test("with an id of another kind changes nothing and says so", async () => {
    const [first = ""] = await caseLinks();
    const id = decodeURIComponent(first.split("/").at(-1) ?? "");
    const wrong = {
      pause: { stage: run },
      resume: { stage: id },
      cancel: { run: id },
      replay: { id: run },
      drop: { id: "face" },
      decide: { id: run, answer: "same" },
      sync: { person: id },
    };
    for (const [action, fields] of Object.entries(wrong)) {
      const confirm = await operator.get(`/ui/do/${action}?${new URLSearchParams(fields)}`);
      const html = await confirm.text();
      const isRefused = confirm.status === 404 || !/<button type="submit" class="(main|danger)"/.test(html);
      expect([action, isRefused]).toEqual([action, true]);
    }
    for (const path of [
      `/ui/runs/${id}`,
      `/ui/cases/${run}`,
      "/ui/people/1",
      "/ui/cases/%00",
      "/ui/runs/..%2f..",
      "/ui/cases/%e0",
    ])
      expect([path, (await operator.get(path)).status]).toEqual([path, 404]);
    expect((await operator.get("/ui/do/constructor")).status).toBe(400);
    expect((await operator.get("/ui/do/decide?id=1&answer=perhaps")).status).toBe(404);
  });
});

describe("a session", () => {
  test("of yesterday, of nobody or of another form leads to the login, and its stream says goodbye", async () => {
    let now = Date.now();
    const sessions = new Sessions(() => now);
    const id = sessions.open("operator", "Rina");
    now += 12 * 3_600_000 - 1;
    expect(sessions.find(id)).toBeDefined();
    now += 2;
    expect(sessions.find(id)).toBeUndefined();
    for (const cookie of [`hs-session=${id}`, "hs-session=", "hs-session=%00", `hs-session=${"x".repeat(3_000)}`]) {
      const ask = (path: string) => fetch(site.url + path, { headers: { cookie } });
      const page = await ask("/ui/system");
      expect([page.status, (await page.text()).includes('name="token"')]).toEqual([401, true]);
      expect(await (await ask("/ui/events?page=/ui/")).text()).toContain("event: bye");
    }
    const leaving = await Visitor.of(site, token);
    const kept = { headers: { cookie: leaving.cookie } };
    await leaving.post("/ui/logout", {});
    expect((await fetch(`${site.url}/ui/system`, kept)).status).toBe(401);
  });
});

describe("a page comes within 2 s and says what is known", () => {
  test("with 25 tabs open, of which 20 are live", async () => {
    const leaving = new AbortController();
    const open = () => operator.send("/ui/events?page=/ui/", { signal: leaving.signal });
    const tabs = await Promise.all(Array.from({ length: 25 }, open));
    const firsts = tabs.map(async ({ body }) => {
      const { value } = (await body?.getReader().read()) ?? {};
      return new TextDecoder().decode(value).split("\n")[0];
    });
    const told = await Promise.all(firsts);
    expect(told.filter((one) => one === "event: main")).toHaveLength(20);
    expect(told.filter((one) => one === "event: full")).toHaveLength(5);
    expect(await timed("/ui/")).toMatchObject({ status: 200, isInTime: true });
    leaving.abort();
    // A tab that was closed makes room.
    await until(async () => {
      const again = new AbortController();
      const { body } = await operator.send("/ui/events?page=/ui/", { signal: again.signal });
      const { value } = (await body?.getReader().read()) ?? {};
      again.abort();
      return new TextDecoder().decode(value).startsWith("event: main");
    });
  });

  test("while the ledger is moved aside", async () => {
    const pages = await everyPage();
    const at = join(site.folder, "ledger.db");
    renameSync(at, `${at}.aside`);
    for (const path of pages) expect(await timed(path)).toMatchObject({ path, status: 200, isInTime: true });
    await until(async () => (await timed("/ui/")).html.includes("ledger.db was removed or replaced"));
    renameSync(`${at}.aside`, at);
    await until(async () => (await timed("/ui/")).html.includes("Working · "));
  });

  test("in the middle of a reload", async () => {
    const pages = await everyPage();
    // What is in progress is finished first, and a HikCentral that says nothing keeps it so.
    site.hikcentral.faults.set({ kind: "hang", match: "single/add" });
    site.eposh.days.get(today)?.push({ ...employee(31, 0, ""), kib_number: "2600031" });
    const begun = await site.begin({ from: today, to: today });
    await until(() => site.hikcentral.faults.seen.hang);
    let isOver = false;
    const reload = site.daemon
      .reload(readConfig({ env: site.env, defaultFile: "/nonexistent" }))
      .finally(() => (isOver = true));
    for (const path of pages) expect(await timed(path)).toMatchObject({ path, status: 200, isInTime: true });
    const wasOver = isOver;
    site.hikcentral.faults.set();
    await reload;
    await begun.through();
    expect(wasOver).toBe(false);
    for (const path of pages) expect(await timed(path)).toMatchObject({ path, status: 200, isInTime: true });
  });

  test("while the broker hangs, and no action waits for it either", async () => {
    const pages = await everyPage();
    const [first = ""] = await caseLinks();
    const id = decodeURIComponent(first.split("/").at(-1) ?? "");
    const person = (await operator.find("2600001")).split("/").at(-1) ?? "";
    const sent: Record<string, Record<string, string>> = {
      start: { from: today, to: today },
      sync: { person },
      replay: { id },
      drop: { id, typed: "1" },
    };
    const forms = new Map<string, string>();
    for (const [action, fields] of Object.entries(sent)) {
      const { typed: _, ...asked } = fields;
      forms.set(action, await operator.form(`/ui/do/${action}?${new URLSearchParams(asked)}`));
    }
    way.fallSilent();
    for (const path of pages) expect(await timed(path)).toMatchObject({ path, status: 200, isInTime: true });
    for (const [action, fields] of Object.entries(sent)) {
      const startedAt = performance.now();
      const { status } = await operator.post(`/ui/do/${action}`, { ...fields, form: forms.get(action) ?? "" });
      expect([action, status, performance.now() - startedAt < inTimeMs]).toEqual([action, 303, true]);
    }
    // Its connection is given up, and the page says so.
    way.cutHalf();
    await until(async () => (await timed("/ui/")).html.includes("cannot be reached"));
    for (const path of pages) expect(await timed(path)).toMatchObject({ path, status: 200, isInTime: true });
    // It would try to come back for ever.
    await opened.disposeAsync();
  });
});
