import { expect, test } from "bun:test";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { upstreamFetch } from "../../src/upstreams/http.ts";
import { closing, failureOf } from "./gateway.ts";

const { signal } = new AbortController();
function serverThat(answer: () => Response | Promise<Response>) {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  closing({ [Symbol.asyncDispose]: () => server.stop(true) });
  return `http://127.0.0.1:${server.port}/?secret=1`;
}

test("an answer is an answer whatever its status, and a redirect is not followed", async () => {
  for (const status of [200, 302, 404, 503]) {
    const url = serverThat(() => new Response("body", { status, headers: { location: "/elsewhere" } }));
    const answer = await upstreamFetch({ url, timeoutMs: 1000, signal });
    expect(answer.status).toBe(status);
    expect(new TextDecoder().decode(answer.body)).toBe("body");
  }
});

test("a body over the limit is not read to its end", async () => {
  let pulled = 0;
  const endless = new ReadableStream({
    pull(controller) {
      pulled++;
      controller.enqueue(new Uint8Array(65536));
    },
  });
  const url = serverThat(() => new Response(endless));
  const failure = await failureOf(upstreamFetch({ url, timeoutMs: 5000, maxBytes: 100_000, signal }));
  expect(failure).toMatchObject({ kind: "too_large" });
  expect(pulled).toBeLessThan(1000);
});

const large = Buffer.alloc(100_000);
test.each([
  [
    "chunked",
    "transfer-encoding: chunked",
    Buffer.concat([Buffer.from("186a0\r\n"), large, Buffer.from("\r\n0\r\n\r\n")]),
  ],
  ["compressed", "content-encoding: gzip", Buffer.from(Bun.gzipSync(large))],
])("a %s body is not believed to have the declared length", async (_, header, body) => {
  const head = `HTTP/1.1 200 OK\r\ncontent-length: ${header.includes("gzip") ? body.length : 10}\r\n${header}\r\n\r\n`;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(Buffer.concat([Buffer.from(head), body])));
  });
  closing({ [Symbol.asyncDispose]: async () => void server.close() });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const failure = await failureOf(upstreamFetch({ url, timeoutMs: 5000, maxBytes: 50_000, signal }));
  expect(failure).toMatchObject({ kind: "too_large" });
});

test("a name that does not resolve, a closed port and a bad address are told apart from a broken answer", async () => {
  for (const url of ["http://nobody.invalid/", "http://127.0.0.1:1/", "nonsense"])
    expect(await failureOf(upstreamFetch({ url, timeoutMs: 5000, signal }))).toMatchObject({
      kind: "unconnected",
    });
});

test("who aborts gets his own reason, and a time-out names no address", async () => {
  const url = serverThat(() => new Promise(() => {}));
  const stop = new AbortController();
  const stopped = failureOf(upstreamFetch({ url, timeoutMs: 5000, signal: stop.signal }));
  stop.abort(new Error("stopped"));
  expect((await stopped).message).toBe("stopped");
  const failure = await failureOf(upstreamFetch({ url, timeoutMs: 30, signal }));
  expect(failure).toMatchObject({ kind: "timeout" });
  expect(Bun.inspect(failure)).not.toMatch(/secret=1|127\.0\.0\.1/);
});

test("a call that is answered before its large body was read does not take the next one with it", async () => {
  /** Answers when it has seen the head, and reads no more of a large body. */
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (head) => {
      if (Number(/content-length: (\d+)/i.exec(String(head))?.[1]) > 1_000) socket.pause();
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nbusy");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing({ [Symbol.asyncDispose]: async () => void server.close() });
  const url = `http://127.0.0.1:${(server.address() as { port: number }).port}/`;
  const face = "x".repeat(4 << 20);
  const call = (body: string) => upstreamFetch({ url, method: "POST", body, timeoutMs: 3_000, signal });
  for (const body of [face, "{}", face, "{}"]) expect((await call(body)).status).toBe(200);
});
