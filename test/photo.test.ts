import { afterAll, beforeEach, describe, expect, test } from "bun:test";
import { createServer } from "node:net";
import { Reject, Retry, Unavailable } from "../src/errors.ts";
import { createPhotos, type PhotoOptions } from "../src/upstreams/photos.ts";
import { makePng } from "./support/png.ts";
import { until } from "./support/until.ts";

const portrait = makePng({ width: 120, height: 160, rgba: (x, y) => [x, y, 99, 255] });
type Answer = (request: Request) => Response | Promise<Response>;
let answer: Answer;
/** What a probe is told. */
let root: Answer;
let probes = 0;
const seen: string[] = [];
/** Bun cuts what is silent for 10 s; the tests that stall end it themselves. */
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  idleTimeout: 0,
  fetch(request) {
    if (request.url === server.url.href) {
      probes++;
      return root(request);
    }
    seen.push(`${request.method} ${new URL(request.url).pathname}`);
    return answer(request);
  },
});
const link = `${server.url.origin}/kib/-1767600000.png?key=made-up-token`;

beforeEach(() => {
  seen.length = 0;
  answer = () => new Response(portrait);
  root = () => new Response();
});
afterAll(() => server.stop(true));

const opened = new DisposableStack();
afterAll(() => opened.dispose());
const clientOf = (options: Partial<PhotoOptions> = {}) =>
  opened.use(createPhotos({ allowedHosts: ["127.0.0.1"], maxBytes: 1e6, timeoutMs: 5000, concurrency: 4, ...options }));
const fetchOne = (url: string, options: Partial<PhotoOptions> = {}, signal = new AbortController().signal) =>
  clientOf(options).for(signal).fetch(url);

/** What was thrown, without its stack; it must name neither the link's path nor its query. */
async function failureOf(pending: Promise<unknown>) {
  const error = await pending.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(Bun.inspect(error)).not.toMatch(/made-up-token|1767600000/);
  if (error instanceof Retry) {
    const { kind, code, suspect, afterMs, message } = error;
    return { kind, code, suspect, afterMs, message };
  }
  if (error instanceof Unavailable) {
    const { kind, code, upstream, reason, message } = error;
    return { kind, code, upstream, reason, message };
  }
  if (error instanceof Reject) return { kind: error.kind, code: error.code, message: error.message };
  throw new Error("neither a retry nor a reject nor unavailable", { cause: error });
}

const status =
  (code: number, headers: Record<string, string> = {}) =>
  () =>
    new Response("made-up body", { status: code, headers });

describe("a photo", () => {
  test("behind a link comes back as the Base64 of a JPEG", async () => {
    const photo = await fetchOne(link);
    expect(Buffer.from(photo?.face ?? "", "base64").subarray(0, 3)).toEqual(Buffer.from("ffd8ff", "hex"));
  });

  test("is fetched again each time, because Eposh may put another behind the same link", async () => {
    const photos = clientOf().for(new AbortController().signal);
    await photos.fetch(link);
    await photos.fetch(link);
    expect(seen).toHaveLength(2);
  });

  test("has the same mark under another link, and is not decoded for a caller who has it already", async () => {
    const one = await fetchOne(link);
    const other = `${server.url.origin}/elsewhere.png`;
    expect((await fetchOne(other))?.mark).toBe(one?.mark ?? "");
    const photos = clientOf().for(new AbortController().signal);
    expect(await photos.fetch(other, { unless: one?.mark })).toBeUndefined();
    answer = () => new Response(makePng({ width: 120, height: 160, rgba: (x, y) => [y, x, 99, 255] }));
    expect((await photos.fetch(link, { unless: one?.mark }))?.mark).not.toBe(one?.mark ?? "");
  });

  test("that is not there is missing", async () => {
    for (const code of [404, 410]) {
      answer = status(code);
      expect(await failureOf(fetchOne(link))).toMatchObject({ kind: "reject", code: "photo_missing" });
    }
  });

  test("that is a page or has no bytes is unusable", async () => {
    for (const body of ["<!doctype html><title>Sign in</title>", ""]) {
      answer = () => new Response(body, { headers: { "content-type": "image/png" } });
      expect(await failureOf(fetchOne(link))).toMatchObject({ kind: "reject", code: "photo_unusable" });
    }
  });

  test("that the host refuses or cannot give just now is tried again", async () => {
    for (const code of [304, 408, 425, 429, 500, 502, 503]) {
      answer = status(code);
      expect(await failureOf(fetchOne(link))).toMatchObject({ kind: "retry", code: "photo_unavailable" });
    }
    for (const code of [400, 401, 402, 403, 405, 406, 414, 431, 451]) {
      answer = status(code);
      expect(await failureOf(fetchOne(link))).toMatchObject({ kind: "retry", code: "photo_refused" });
    }
  });

  test("is asked for again when the host says so", async () => {
    const now = () => Date.parse("2026-01-05T00:00:00Z");
    for (const [code, value, afterMs] of [
      [429, "7", 7000],
      [503, "Mon, 05 Jan 2026 00:01:00 GMT", 60_000],
      [503, "Sun, 04 Jan 2026 00:01:00 GMT", undefined],
      [429, "soon", undefined],
      [500, "7", undefined],
    ] as const) {
      answer = status(code, { "retry-after": value });
      expect(await failureOf(fetchOne(link, { now }))).toMatchObject({ kind: "retry", afterMs });
    }
  });
});

describe("a link", () => {
  test("that is no http address is unusable", async () => {
    for (const url of ["", "-", "kib/-1767600000.png", "file:///etc/passwd", "data:image/png;base64,AAAA"])
      expect(await failureOf(fetchOne(url))).toMatchObject({ kind: "reject", code: "photo_unusable" });
  });

  test("to a host that is not allowed is refused by its name, and nothing connects to it", async () => {
    const { port } = server;
    for (const host of ["localhost", "127.0.0.1.example.invalid", "127.0.0.2"]) {
      const failure = await failureOf(fetchOne(`http://${host}:${port}/kib/-1767600000.png?key=made-up-token`));
      expect(failure).toMatchObject({ kind: "reject", code: "photo_host_not_allowed" });
      expect(failure.message).toContain(host);
      expect(failure.message).toContain("photo.allowed_hosts");
    }
    expect(await failureOf(fetchOne(`http://127.0.0.1@localhost:${port}/`))).toMatchObject({
      code: "photo_host_not_allowed",
    });
    expect(seen).toEqual([]);
  });

  test("is allowed whatever the case of its host's name", async () => {
    const { port } = server;
    await fetchOne(`http://LOCALHOST:${port}/`, { allowedHosts: ["LocalHost"] });
    expect(seen).toHaveLength(1);
  });
});

describe("a redirect", () => {
  const hops = (count: number) => (request: Request) => {
    const hop = Number(new URL(request.url).searchParams.get("hop") ?? 0);
    return hop < count
      ? new Response(null, { status: 302, headers: { location: `/?hop=${hop + 1}` } })
      : new Response(portrait);
  };

  test("is followed five times and no more", async () => {
    answer = hops(5);
    await fetchOne(link);
    seen.length = 0;
    answer = hops(6);
    expect(await failureOf(fetchOne(link))).toMatchObject({ kind: "retry", code: "photo_unavailable" });
    expect(seen).toHaveLength(6);
  });

  test("to a host that is not allowed is refused like a link to it, and nothing connects to it", async () => {
    answer = () => Response.redirect(`http://localhost:${server.port}/elsewhere?key=made-up-token`, 307);
    expect(await failureOf(fetchOne(link))).toMatchObject({
      kind: "reject",
      code: "photo_host_not_allowed",
      message: expect.stringContaining("localhost"),
    });
    expect(seen).toEqual(["GET /kib/-1767600000.png"]);
  });

  test("to a file is unusable", async () => {
    answer = () => new Response(null, { status: 302, headers: { location: "file:///etc/passwd" } });
    expect(await failureOf(fetchOne(link))).toMatchObject({ kind: "reject", code: "photo_unusable" });
  });
});

describe("the limits", () => {
  /** A body that never ends, and whether the reader has gone. */
  function endless(chunkBytes: number, everyMs: number) {
    const body = { cancelled: false };
    const stream = new ReadableStream<Uint8Array>({
      async pull(controller) {
        await Bun.sleep(everyMs);
        if (body.cancelled) return;
        controller.enqueue(new Uint8Array(chunkBytes));
      },
      cancel: () => {
        body.cancelled = true;
      },
    });
    return { body, stream };
  }
  const tooLarge = {
    kind: "reject",
    code: "photo_unusable",
    message: expect.stringContaining("100000 bytes"),
  };

  test("a photo that says that it is too large is not read", async () => {
    let connectionEnded = false;
    // A bare socket, because it says 20 MB and sends none of them.
    const liar = createServer((socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 20000000\r\n\r\n");
      socket.on("close", () => {
        connectionEnded = true;
      });
      socket.on("error", () => {});
      socket.resume();
    });
    await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
    const address = liar.address();
    const port = typeof address === "object" ? address?.port : undefined;
    const failure = await failureOf(fetchOne(`http://127.0.0.1:${port}/`, { maxBytes: 100_000, timeoutMs: 60_000 }));
    expect(failure).toMatchObject(tooLarge);
    await until(() => connectionEnded, { what: "the connection to be closed" });
    liar.close();
  });

  test("a photo that does not say how large it is is given up at the limit", async () => {
    const { body, stream } = endless(30_000, 0);
    answer = () => new Response(stream);
    expect(await failureOf(fetchOne(link, { maxBytes: 100_000 }))).toMatchObject(tooLarge);
    await until(() => body.cancelled, { what: "the download to be given up" });
  });

  test("a photo of exactly the limit is taken", async () => {
    await fetchOne(link, { maxBytes: portrait.byteLength });
    expect(await failureOf(fetchOne(link, { maxBytes: portrait.byteLength - 1 }))).toMatchObject({
      code: "photo_unusable",
    });
  });

  test("the time-out covers a host that is silent and a body that only drips", async () => {
    const { body, stream } = endless(1, 5);
    for (const stalled of [() => new Promise<Response>(() => {}), () => new Response(stream)]) {
      answer = stalled;
      expect(await failureOf(fetchOne(link, { timeoutMs: 150 }))).toMatchObject({
        kind: "retry",
        code: "photo_unavailable",
        suspect: undefined,
      });
    }
    await until(() => body.cancelled, { what: "the download to be given up" });
  });

  test("the time-out is for all redirects together", async () => {
    answer = async () => {
      await Bun.sleep(100);
      return new Response(null, { status: 302, headers: { location: "/again" } });
    };
    const failure = await failureOf(fetchOne(link, { timeoutMs: 250 }));
    expect(failure).toMatchObject({ code: "photo_unavailable", message: expect.stringContaining("in time") });
    expect(seen.length).toBeLessThan(5);
  });

  test("an abort ends a download and a wait for one, with its own reason", async () => {
    answer = () => new Promise<Response>(() => {});
    const photos = clientOf({ concurrency: 1 });
    const stop = new AbortController();
    const both = Promise.allSettled([1, 2].map(() => photos.for(stop.signal).fetch(link)));
    await until(() => seen.length === 1, { what: "the first request" });
    const reason = new Error("the message was lost");
    stop.abort(reason);
    expect(await both).toEqual([1, 2].map(() => ({ status: "rejected", reason })));
    expect(seen).toHaveLength(1);
    answer = () => new Response(portrait);
    await photos.for(new AbortController().signal).fetch(link);
  });

  test("no more photos are in hand at a time than allowed", async () => {
    let [now, most] = [0, 0];
    answer = async () => {
      now++;
      most = Math.max(most, now);
      await Bun.sleep(10);
      now--;
      return new Response(portrait);
    };
    const photos = clientOf({ concurrency: 3 }).for(new AbortController().signal);
    await Promise.all(Array.from({ length: 12 }, () => photos.fetch(link)));
    expect(most).toBe(3);
  });

  test("eight photos in hand leave the event loop free", async () => {
    const large = makePng({
      width: 1024,
      height: 1365,
      rgba: (x, y) => [x & 255, y & 255, 99, y & 255],
      level: 1,
    });
    answer = () => new Response(large);
    const photos = clientOf({ maxBytes: 1e7, concurrency: 8 }).for(new AbortController().signal);
    await photos.fetch(link);
    // n.b. Not the longest: a machine that others use too takes the processor away now and then.
    const delayWhile = async (work: Promise<unknown>) => {
      const delaysMs: number[] = [];
      let last = performance.now();
      const ticking = setInterval(() => {
        delaysMs.push(performance.now() - last);
        last = performance.now();
      }, 1);
      await work;
      clearInterval(ticking);
      return delaysMs.toSorted((a, b) => a - b)[Math.floor(delaysMs.length * 0.95)] ?? 0;
    };
    const idleMs = await delayWhile(Bun.sleep(200));
    const busyMs = await delayWhile(Promise.all(Array.from({ length: 8 }, () => photos.fetch(link))));
    expect(busyMs).toBeLessThan(50 + 3 * idleMs);
  });
});

describe("a caller whom others wait for", () => {
  const never = new AbortController().signal;
  const urgently = { patienceMs: 300 };

  test("gets no photo from a host that is silent, within its patience", async () => {
    answer = () => new Promise<Response>(() => {});
    const startedAt = performance.now();
    const failure = await failureOf(clientOf().for(never).fetch(link, urgently));
    expect(failure).toMatchObject({ kind: "retry", code: "photo_unavailable" });
    expect(performance.now() - startedAt).toBeLessThan(4_000);
  });

  test("does not wait for a silent host a second time, until it answers somebody who has patience", async () => {
    answer = () => new Promise<Response>(() => {});
    root = answer;
    const client = clientOf();
    const photos = client.for(never);
    await failureOf(photos.fetch(link, urgently));
    await until(() => client.shown.state === "down", { what: "the probe to fail" });
    const asked = seen.length;
    expect(await failureOf(photos.fetch(link, urgently))).toMatchObject({
      message: expect.stringContaining("did not answer a moment ago"),
    });
    expect(seen).toHaveLength(asked);
    answer = () => new Response(portrait);
    await photos.fetch(link);
    expect(client.shown.state).toBe("up");
    expect(await photos.fetch(link, { patienceMs: 60_000 })).toBeDefined();
  });

  test("is not kept from a host by one of its photos that hangs", async () => {
    answer = ({ url }) => (url.includes("hangs") ? new Promise<Response>(() => {}) : new Response(portrait));
    const photos = clientOf().for(never);
    const probesBefore = probes;
    await failureOf(photos.fetch(`${server.url.origin}/hangs.png`, urgently));
    await until(() => probes > probesBefore, { what: "the probe" });
    expect(await photos.fetch(link, { patienceMs: 60_000 })).toBeDefined();
  });

  test("finds a free place while all those with patience are taken", async () => {
    answer = ({ url }) => (url.includes("hangs") ? new Promise<Response>(() => {}) : new Response(portrait));
    const stop = new AbortController();
    const client = clientOf({ concurrency: 2 });
    const waiting = [1, 2, 3].map(() => client.for(stop.signal).fetch(`${server.url.origin}/hangs.png`));
    await until(() => seen.length === 2, { what: "both places to be taken" });
    expect(await client.for(never).fetch(link, { patienceMs: 60_000 })).toBeDefined();
    stop.abort();
    await Promise.allSettled(waiting);
  });

  test("is told at once that nothing listens at a port, and one such link says nothing about other ports", async () => {
    const gone = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(portrait) });
    const { port } = gone;
    await gone.stop(true);
    const photos = clientOf().for(never);
    const failure = await failureOf(photos.fetch(`http://127.0.0.1:${port}/`, urgently));
    expect(failure).toMatchObject({ kind: "retry", code: "photo_unavailable", suspect: undefined });
    expect(await photos.fetch(link, { patienceMs: 60_000 })).toBeDefined();
  });
});
