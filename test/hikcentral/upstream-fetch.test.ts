import { expect, test } from "bun:test";
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
