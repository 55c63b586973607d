import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

let site: InProcessSite;
beforeAll(async () => {
  site = await startSite({ people: 3 });
});
afterAll(async () => await site?.[Symbol.asyncDispose]());

/** What a local account without a token may not ask over the port. */
const attempts = [
  "GET /status",
  "GET /runs",
  "GET /runs/",
  "GET /dead",
  "GET /dead/1",
  "POST /dead/replay",
  "POST /dead/drop",
  "POST /trace",
  "GET /changes",
  "POST /comparison/recall",
  "POST /comparison/note",
  "POST /stages/publisher/pause",
  "POST /stages/publisher/resume",
  "POST /runs/1/cancel",
  "POST /doctor",
  "GET //status",
  "GET /runs/1/../../dead",
  "GET /runs/%2e%2e/dead",
  "GET /livez/../dead",
  "POST /livez",
  "PUT /eposh-induction",
  "GET /eposh-induction",
  "GET /nothing",
];

test.each(attempts)("without a token the port refuses %s", async (attempt) => {
  const [method = "", path] = attempt.split(" ");
  const answer = await fetch(site.url + path, { method, ...(method !== "GET" && { body: '{"key":"2600001"}' }) });
  expect(answer.status).toBe(403);
  expect(await answer.text()).toContain("hikvision-sync commands");
});

test("without a token the port starts a run, shows it, and answers monitoring", async () => {
  for (const path of ["/livez", "/readyz", "/metrics"]) expect((await fetch(site.url + path)).status).toBe(200);
  const request = { method: "POST", headers: { prefer: "respond-async" } };
  const started = await fetch(`${site.url}/eposh-induction`, request);
  expect(started.status).toBe(202);
  const location = `${site.url}${started.headers.get("location")}`;
  const isDone = async () => ((await (await fetch(location)).json()) as { status: string }).status === "done";
  await until(isDone, { what: "the run to be through" });
});

test("with a token the commands need none: they use the socket, which only its owner and group may write to", async () => {
  const token = "contoh-token-1234";
  await using guarded = await startSite({ env: { HTTP_TOKEN: token } });
  expect(statSync(guarded.socket).mode & 0o777).toBe(0o660);
  const { exit, out } = await run("runs", { STATE_FOLDER: guarded.folder });
  expect({ exit, out }).toEqual({ exit: 0, out: "RUN  STARTED  STATUS  DATES  THROUGH  CASES\n" });
  const answer = await fetch(`${guarded.url}/status`, { headers: { authorization: `Bearer ${token}` } });
  expect(answer.status).toBe(200);
});

test("who squats on the port while the daemon is down is told nothing, and the timer's trigger does not succeed", async () => {
  const heard: string[] = [];
  await using squatter = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      heard.push(request.url, request.headers.get("authorization") ?? "");
      return Response.json({ status: "accepted", run: "forged" }, { status: 202 });
    },
  });
  const env = { HTTP_PORT: String(squatter.port), HTTP_TOKEN: "contoh-token-1234", STATE_FOLDER: temporaryFolder() };
  for (const command of ["trigger --detach", "status", "dead list", "runs cancel 1"])
    expect(await run(command, env)).toMatchObject({ exit: 69, err: expect.stringContaining("no daemon answers at") });
  expect(heard).toEqual([]);
});

test.each([
  ["a folder that others may write", (folder: string) => chmodSync(folder, 0o777), 78, "chmod go-w"],
  ["a file in its place", (folder: string) => writeFileSync(join(folder, "s"), "kept"), 78, "of another kind"],
  ["a folder that is not there", (_: string, state: string) => writeFileSync(join(state, "x"), ""), 69, "ENOENT"],
])("a socket in %s is refused in words", async (what, prepare, exit, words) => {
  const folder = join(temporaryFolder(), "run");
  await using other = await startSite({ as: "binary", start: false });
  if (!what.includes("not there")) mkdirSync(folder);
  prepare(folder, other.folder);
  const refused = await other.cli("serve", { HTTP_SOCKET: join(folder, "s") });
  for (const word of [words, "http.socket"]) expect(refused.err).toContain(word);
  expect(refused.exit).toBe(exit);
});

test("a socket that a killed daemon left is replaced, one that another daemon serves is not", async () => {
  const socket = join(temporaryFolder(), "operator.sock");
  await using one = await startSite({ as: "binary", env: { HTTP_SOCKET: socket } });
  await using other = await startSite({ as: "binary", start: false, env: { HTTP_SOCKET: socket } });
  const refused = await other.cli("serve");
  expect(refused).toMatchObject({ exit: 69, err: expect.stringContaining("in use by another process") });
  expect((await one.cli("runs")).exit).toBe(0);
  await one.kill();
  await one.start();
  expect((await one.cli("runs")).exit).toBe(0);
});

test("a socket that is removed while the daemon runs is made anew within 10 s; without its folder readiness is red", async () => {
  const folder = join(temporaryFolder(), "run");
  const prepare = () => mkdirSync(folder);
  await using guarded = await startSite({ prepare, env: { HTTP_SOCKET: join(folder, "operator.sock") } });
  const answers = async () => (await guarded.get("/status")).status === 200;
  const within = { timeoutMs: 10_000, everyMs: 100 };
  rmSync(guarded.socket);
  await until(answers, { ...within, what: "the socket to be made anew" });
  expect(guarded.output()).toContain(`${guarded.socket} was removed and is made anew`);
  expect(statSync(guarded.socket).mode & 0o777).toBe(0o660);

  rmSync(folder, { recursive: true });
  await until(async () => !(await guarded.readyz()).ready, { ...within, what: "readiness to be red" });
  expect(await guarded.readyz()).toMatchObject({ removed: [guarded.socket] });
  await until(() => guarded.output().includes(`${guarded.socket}: removed or replaced`), within);
  mkdirSync(folder);
  await until(answers, { ...within, what: "the socket to be made anew" });
  expect((await guarded.readyz()).ready).toBe(true);
});

test("a file in place of the socket is left as it is, and readiness is red", async () => {
  await using guarded = await startSite();
  rmSync(guarded.socket);
  writeFileSync(guarded.socket, "kept");
  await until(async () => !(await guarded.readyz()).ready, { timeoutMs: 10_000, what: "readiness to be red" });
  await until(() => guarded.output().includes(`${guarded.socket}: removed or replaced`), { timeoutMs: 10_000 });
  expect(statSync(guarded.socket).isFile()).toBe(true);
});

test.skipIf(process.getuid?.() !== 0)("a user who is no operator is told how to become one", async () => {
  chmodSync(site.folder, 0o755);
  const become = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
  const { exit, err } = await run("status", { STATE_FOLDER: site.folder }, become);
  chmodSync(site.folder, 0o700);
  expect({ exit, err }).toMatchObject({ exit: 69, err: expect.stringContaining("hikvision-sync-operators") });
});
