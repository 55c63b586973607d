import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { attempts, everything, hostilePeople, leaksIn, niks, seedHostilePerson, tokens } from "./planted.ts";

const date = "2026-01-05";

let site: Site;
afterAll(async () => await site?.[Symbol.asyncDispose]());
beforeAll(async () => {
  site = await startSite({ as: "binary", people: 0, env: { LOG_FORMAT: "journal", ...tokens } });
  seedHostilePerson(site);
  site.eposh.days.set(date, hostilePeople(site));
  await site.induct({ from: date, to: date });
}, 120_000);

async function deadIds(): Promise<string[]> {
  const { groups } = (await site.get("/dead")).body as { groups: { ids: string[] }[] };
  return groups.flatMap(({ ids }) => ids);
}

test("all that is planted is seen where it is planted", () => {
  const sources = [...hostilePeople(site).map((one) => JSON.stringify(Object.values(one))), JSON.stringify(site.env)];
  for (const secret of [...niks, "rahasia-tanda-tangan-1234", ...Object.values(tokens), site.env.EPOSH_API_KEY])
    expect(sources.flatMap((source) => leaksIn(source, site))).toContain(secret);
  for (const attempt of Object.values(attempts)) expect(leaksIn(`name${attempt}`, site)).not.toEqual([]);
});

test("the attempts got as far as the ledger, the dead letters and HikCentral", async () => {
  const stored = JSON.stringify([(await site.get("/dead")).body, (await site.get("/runs")).body]);
  expect(stored).toContain("[2J");
  expect((await deadIds()).length).toBeGreaterThan(0);
  const queue = ["queue.db", "queue.db-wal"].map((name) => readFileSync(join(site.folder, name), "latin1")).join("");
  expect(queue).toContain(niks[2]);
});

/** With the result as a table and as JSON. */
const both = (...line: string[]) => [line, [...line, "--json"]];
const commands: [string, () => string[][] | Promise<string[][]>][] = [
  ["status", () => both("status")],
  ["runs", () => [...both("runs"), ["runs", everything], ["runs", "cancel", everything]]],
  ["dead list", () => both("dead", "list")],
  ["dead show", async () => (await deadIds()).flatMap((id) => both("dead", "show", id))],
  ["trace", () => [["trace", everything], ["trace", niks[1]], ...both("trace", "2600002")]],
  ["who", () => ["2600002", "Dewi Contoh", "Wati", niks[2], everything].flatMap((key) => both("who", key))],
  ["trigger", () => [["trigger", "--from", date, "--to", date]]],
  ["verify", () => both("verify", "--from", date, "--to", date)],
  ["changes", () => [["changes", "--csv"], ["changes", "--kib", everything], ...both("changes")]],
  [
    "dead replay and drop",
    () => [
      ["dead", "replay", "--dry-run"],
      ["dead", "replay", "--run", everything],
      ["dead", "drop", everything],
    ],
  ],
  ["config print, check, doctor and stages", () => [["config", "print"], ["check"], ...both("doctor"), ["stages"]]],
  ["explain", () => [...both("explain"), ["explain", "identity_conflict"], ["explain", everything]]],
  ["open", () => [["open"]]],
  ["pause of a stage that is none", () => [["pause", everything]]],
  ["a command and a flag that are none", () => [[everything], ["status", `--${everything}`], ["status", everything]]],
  ["a configuration that is none", () => [["check", "--config", `/${everything}`]]],
];

test.each(commands)("%s prints nothing that a terminal obeys, no key and no NIK", async (_, lines) => {
  for (const line of await lines()) {
    const { out, err } = await site.cli(line);
    expect(out + err).not.toBe("");
    expect({ line, leaks: leaksIn(out + err, site) }).toEqual({ line, leaks: [] });
  }
});

const routes = [
  "/status",
  "/dead",
  "/runs",
  "/changes",
  "/metrics",
  "/readyz",
  `/runs/${encodeURIComponent(everything)}`,
];
test.each(routes)("GET %j answers nothing that a terminal obeys, no key and no NIK", async (path) => {
  expect(leaksIn(await (await site.fetch(path)).text(), site)).toEqual([]);
});

/** With a session of the page: what an address answers. */
async function logIn() {
  const login = {
    method: "POST",
    redirect: "manual",
    body: new URLSearchParams({ name: everything, token: tokens.HTTP_TOKEN }),
  } as const;
  const answer = await fetch(`${site.url}/ui/login`, login);
  const cookie = (answer.headers.get("set-cookie") ?? "").split(";")[0] ?? "";
  return (path: string, init: RequestInit = {}) => {
    const headers = { cookie, ...(init.headers as Record<string, string>) };
    return fetch(site.url + path, { ...init, headers, keepalive: false });
  };
}
const decoded = (html: string) => html.replaceAll("&amp;", "&").replaceAll("&quot;", '"').replaceAll("&#39;", "'");

test("no page of the daemon, and none of its streams, shows what a terminal obeys, a key or a NIK", async () => {
  const ask = await logIn();
  const seen = new Set<string>();
  const left = ["/ui/", "/ui/people", "/ui/cases.csv", `/ui/runs/${encodeURIComponent(everything)}`, "/ui/do/nothing"];
  for (const key of ["2600002", "Dewi Contoh", "Wati", niks[2], everything]) {
    const search = { method: "POST", body: new URLSearchParams({ key }), redirect: "manual" } as const;
    left.push((await ask("/ui/people", search)).headers.get("location") ?? "");
  }
  let shown = "";
  for (let path = left.shift(); path !== undefined; path = left.shift()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const answer = await ask(path);
    if (answer.headers.get("content-type")?.startsWith("image/")) continue;
    const text = await answer.text();
    shown += text;
    expect({ path, leaks: leaksIn(decoded(text), site) }).toEqual({ path, leaks: [] });
    expect({ path, leaks: leaksIn(decodeURIComponent(path), site).filter((leak) => /^[\w-]+$/.test(leak)) }).toEqual({
      path,
      leaks: [],
    });
    for (const [, href = ""] of text.matchAll(/(?:href|src|action)="(\/ui\/[^"#]*)"/g)) {
      const next = decoded(href).replace(/[?&]lang=\w+/, "");
      if (!next.startsWith("/ui/assets") && seen.size < 200) left.push(next);
    }
  }
  expect([...seen].filter((path) => /^\/ui\/(cases|runs|people)\/./.test(path)).length).toBeGreaterThan(5);
  expect([...seen].filter((path) => path.startsWith("/ui/do/")).length).toBeGreaterThan(3);
  expect(shown).toContain("[2J");

  for (const page of [...seen].filter((path) => !/^\/ui\/(do\/|cases\.csv)/.test(path))) {
    const stop = new AbortController();
    const stream = await ask(`/ui/events?page=${encodeURIComponent(page)}`, { signal: stop.signal });
    let text = "";
    for await (const bytes of stream.body ?? []) {
      text += new TextDecoder().decode(bytes);
      if (text.endsWith("\n\n")) break;
    }
    stop.abort();
    const { title, html } = JSON.parse(/^data: (.*)$/m.exec(text)?.[1] ?? "") as { title: string; html: string };
    expect({ page, leaks: leaksIn(decoded(`${text}\n${title}\n${html}`), site) }).toEqual({ page, leaks: [] });
  }
});

test("every entry of the log is one of the daemon's", async () => {
  await until(() => site.output().includes("Siti"));
  expect(leaksIn(site.output(), site)).toEqual([]);
  const lines = site.output().split("\n").filter(Boolean);
  expect(lines.filter((line) => !/^<[3467]>/.test(line))).toEqual([]);
});
