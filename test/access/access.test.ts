import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { once } from "node:events";
import { connect } from "node:net";
import { hostname } from "node:os";
import { Hono } from "hono";
import { Secret } from "../../src/config/secret.ts";
import { createAccess } from "../../src/http/auth.ts";
import { createLog } from "../../src/observability/log.ts";
import { type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const token = "contoh-token-1234";
let open: InProcessSite;
let guarded: InProcessSite;
beforeAll(async () => {
  open = await startSite();
  guarded = await startSite({ env: { HTTP_TOKEN: token } });
});
afterAll(async () => {
  await open[Symbol.asyncDispose]();
  await guarded[Symbol.asyncDispose]();
});

const portOf = ({ daemon }: InProcessSite) => new URL(daemon.url).port;

/** A request byte for byte, because fetch does not let a Host be forged; gives all that came back. */
async function raw(site: InProcessSite, head: string, body = "", end = true): Promise<string> {
  const socket = connect(Number(portOf(site)), "127.0.0.1");
  let answer = "";
  socket.on("data", (bytes) => (answer += bytes));
  socket.on("error", () => {});
  socket.write(`${head.replaceAll("\n", "\r\n")}\r\n${end ? "Connection: close\r\n" : ""}\r\n${body}`);
  await once(socket, "close");
  return answer;
}

describe("without a token", () => {
  test("this machine is answered, under each of its loopback names", async () => {
    for (const host of ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
      expect(await raw(open, `GET /livez HTTP/1.1\nHost: ${host}:${portOf(open)}`)).toStartWith("HTTP/1.1 200");
  });

  test("a name that was pointed to this machine is refused, and so is none", async () => {
    for (const host of [
      "gate.example",
      `gate.example:${portOf(open)}`,
      "127.0.0.1.gate.example",
      "10.0.0.1",
      "",
      "a b",
    ])
      expect(await raw(open, `GET /livez HTTP/1.1\nHost: ${host}`)).toMatch(/^HTTP\/1.1 40[03]/);
    const before = open.entries.length;
    const answer = await raw(open, "POST /eposh-induction HTTP/1.1\nHost: gate.example\nContent-Length: 0");
    expect(answer).toStartWith("HTTP/1.1 403");
    expect(open.entries.length).toBe(before);
  });

  test("the page is where the address alone leads to, or says that it is switched off", async () => {
    const led = await fetch(`${open.url}/`, { redirect: "manual" });
    expect([led.status, led.headers.get("location")]).toEqual([302, "/ui/"]);
    await using off = await startSite({ env: { HTTP_UI: "false" } });
    expect(await (await fetch(`${off.url}/`)).text()).toStartWith("The page is switched off (http.ui = false).");
    expect((await fetch(`${off.url}/ui/`)).status).toBe(404);
  });

  test("a page of another origin cannot start a run, a page of our own can", async () => {
    const { url } = open.daemon;
    const post = (origin: string) =>
      fetch(`${url}/eposh-induction`, { method: "POST", headers: { origin }, body: "[" });
    for (const origin of ["http://gate.example", "null", "http://127.0.0.1", `http://localhost:${portOf(open)}`])
      expect((await post(origin)).status).toBe(403);
    expect((await post(url)).status).toBe(400);
  });
});

describe("with a token", () => {
  const routes = ["/livez", "/readyz", "/metrics", "/status", "/runs", "/runs/1", "/dead", "/dead/1", "/nowhere"];

  test("no route answers without it, and none is served by a wrong one", async () => {
    for (const path of routes) {
      expect((await fetch(`${guarded.url}${path}`)).status).toBe(401);
      const own = await fetch(`${guarded.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
      expect(own.status).not.toBe(401);
    }
    const answer = await fetch(`${guarded.url}/eposh-induction`, { method: "POST" });
    expect(answer.status).toBe(401);
    expect(await answer.text()).not.toContain(token);
    expect(guarded.output()).not.toContain("wrong token");
  });

  /** What a daemon answers to a token from an address, and what it logs. */
  function guesses() {
    const clock = { now: 0 };
    const lines: string[] = [];
    const log = createLog({ write: (text) => void lines.push(text) });
    const app = new Hono();
    const options = { host: "127.0.0.1", token: new Secret(token), log, now: () => clock.now, wrongDelayMs: 1 };
    app.use(createAccess(options));
    app.get("/runs", (c) => c.text("in"));
    const from = (address: string, given: string) =>
      app.request(
        "http://127.0.0.1:5000/runs",
        { headers: { host: "127.0.0.1:5000", authorization: `Bearer ${given}` } },
        { requestIP: () => ({ address }) },
      );
    return { clock, lines, from };
  }

  test("ten wrong ones in a minute slow down whoever guesses, and never lock the right one out", async () => {
    const { clock, lines, from } = guesses();
    for (let guess = 0; guess < 10; guess++) expect((await from("10.0.0.7", `guess-${guess}`)).status).toBe(401);
    const limited = await from("10.0.0.7", "guess-10");
    expect([limited.status, limited.headers.get("retry-after")]).toEqual([429, "60"]);
    expect((await from("10.0.0.7", token)).status).toBe(200);
    expect((await from("10.0.0.8", "guess")).status).toBe(401);
    clock.now = 60_000;
    expect((await from("10.0.0.7", "guess-11")).status).toBe(401);
    expect(lines.filter((line) => line.includes("wrong token from 10.0.0.7"))).toHaveLength(2);
    expect(lines).toHaveLength(3);
    expect(lines.join("")).not.toContain("guess-");
  });

  test("an IPv6 network is one source, and ten thousand others do not make it forgotten at once", async () => {
    const { lines, from } = guesses();
    for (let guess = 0; guess < 10; guess++) expect((await from(`fd00:1:2:3::${guess}`, "guess")).status).toBe(401);
    expect((await from("fd00:1:2:3:4:5:6:7", "guess")).status).toBe(429);
    expect((await from("fd00:1:2:4::1", "guess")).status).toBe(401);
    for (let other = 0; other < 9_990; other++) await from(`10.1.${other >> 8}.${other & 255}`, "guess");
    expect((await from("fd00:1:2:3::1", "guess")).status).toBe(429);
    expect(lines.filter((line) => line.includes("fd00:1:2:3::/64"))).toHaveLength(1);
  });

  test("callers with IPv4 addresses of a daemon that listens on :: are one source each", async () => {
    const { lines, from } = guesses();
    for (let guess = 0; guess < 10; guess++) expect((await from("::ffff:10.0.0.7", "guess")).status).toBe(401);
    expect((await from("::ffff:10.0.0.7", "guess")).status).toBe(429);
    expect((await from("::ffff:10.0.0.8", "guess")).status).toBe(401);
    expect(lines.join("")).toContain("wrong token from 10.0.0.7");
  });

  test("a wrong one that really arrives is logged with its address", async () => {
    const headers = { authorization: "Bearer guessed-wrong" };
    expect((await fetch(`${guarded.url}/runs`, { headers })).status).toBe(401);
    expect(guarded.output()).toContain("wrong token from 127.0.0.1");
    expect(guarded.output()).not.toContain("guessed-wrong");
  });

  test("a daemon that listens for others takes addresses and its machine's name as Host, and no other name", async () => {
    const app = new Hono();
    app.use(createAccess({ host: "0.0.0.0", token: new Secret(token), log: createLog({ write: () => true }) }));
    app.get("/", (c) => c.text("in"));
    const at = async (host: string) =>
      (await app.request("/", { headers: { host, authorization: `Bearer ${token}` } })).status;
    for (const host of ["10.0.0.1:5000", "[fd00::1]:5000", "localhost", hostname(), `${hostname()}.site.example:5000`])
      expect([host, await at(host)]).toEqual([host, 200]);
    expect(await at("gate.example:5000")).toBe(403);
  });
});

describe("what is sent is bounded", () => {
  const head = (more: string) => `POST /eposh-induction HTTP/1.1\nHost: 127.0.0.1\n${more}`;

  test("a body over 64 KiB is refused, announced or in chunks", async () => {
    const large = await fetch(`${open.url}/eposh-induction`, { method: "POST", body: "x".repeat(65_537) });
    expect(large.status).toBe(413);
    const chunk = `${(66_000).toString(16)}\r\n${"x".repeat(66_000)}\r\n0\r\n\r\n`;
    expect(await raw(open, head("Transfer-Encoding: chunked"), chunk)).toStartWith("HTTP/1.1 413");
    expect(await raw(open, head("Content-Length: 999999999"), "x")).toStartWith("HTTP/1.1 413");
  });

  test("headers over 16 KiB are refused", async () => {
    expect(await raw(open, head(`X-Long: ${"y".repeat(40_000)}`))).toStartWith("HTTP/1.1 431");
  });

  test("a body that does not come is not waited for, and nothing of it is logged as an error", async () => {
    const app = new Hono();
    app.use(createAccess({ host: "127.0.0.1", log: createLog({ write: () => true }), bodyTimeoutMs: 50 }));
    app.post("/eposh-induction", (c) => c.text("in"));
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, connection) => app.fetch(request, connection),
    });
    const socket = connect(server.port ?? 0, "127.0.0.1");
    let answer = "";
    socket.on("data", (bytes) => (answer += bytes));
    socket.write("POST /eposh-induction HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 10\r\n\r\n{");
    await until(() => answer.startsWith("HTTP/1.1 408"));
    socket.destroy();
  });

  test("an answer that takes longer than an idle connection may be silent still comes", async () => {
    const app = new Hono();
    app.use(createAccess({ host: "127.0.0.1", log: createLog({ write: () => true }) }));
    app.get("/livez", async (c) => {
      await Bun.sleep(5_500);
      return c.text("in");
    });
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      idleTimeout: 1,
      fetch: (request, connection) => app.fetch(request, connection),
    });
    expect(await (await fetch(`http://127.0.0.1:${server.port}/livez`)).text()).toBe("in");
  });

  test("a connection that is idle after its answer is closed", async () => {
    const app = new Hono();
    app.use(createAccess({ host: "127.0.0.1", log: createLog({ write: () => true }), idleSeconds: 1 }));
    app.get("/livez", (c) => c.text("in"));
    using server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, connection) => app.fetch(request, connection),
    });
    const socket = connect(server.port ?? 0, "127.0.0.1");
    socket.resume().write("GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    await once(socket, "close");
  });

  test("hundreds who send their headers drop by drop are cut off, and keep nobody else from being answered", async () => {
    const sockets = Array.from({ length: 300 }, () => connect(Number(portOf(open)), "127.0.0.1"));
    let closed = 0;
    for (const socket of sockets) {
      socket.resume().on("error", () => {});
      socket.on("close", () => closed++);
      socket.write("POST /eposh-induction HTTP/1.1\r\nHost: 127.0.0.1\r\n");
    }
    const drops = setInterval(() => {
      for (const socket of sockets) if (!socket.destroyed) socket.write("X-Drop: 1\r\n");
    }, 500);
    try {
      await until(() => sockets.every(({ connecting }) => !connecting));
      expect((await fetch(`${open.url}/livez`)).status).toBe(200);
      await until(() => closed === sockets.length, { everyMs: 100, what: "all to be cut off" });
      expect((await fetch(`${open.url}/livez`)).status).toBe(200);
    } finally {
      clearInterval(drops);
      for (const socket of sockets) socket.destroy();
    }
  });
});
