import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import * as v from "valibot";
import { Exit, exits } from "../errors.ts";

// n.b. An import would add 0.5 MB of compiled node:http to the binary.
const { createServer } = process.getBuiltinModule("node:http");

const faultSchema = v.strictObject({
  /**
   * `answer`: `status` and `body` instead of the work. `reset`: the socket is cut before the work, `lost`: after it,
   * `half`: in the middle of the answer. `hang`: silence. `slow`: the work, `minMs` to `maxMs` after the call arrived.
   * `clock`: the work, with a Date that is `minMs` ahead.
   * The others are HikCentral's and Eposh's own. Of a list: `short-page` leaves out half of a page, `same-page` gives the
   * page before once more, `wrong-total` adds `by` to the number of all.
   */
  kind: v.picklist([
    "answer",
    "reset",
    "hang",
    "lost",
    "half",
    "slow",
    "clock",
    "bad-face",
    "half-done",
    "short-page",
    "same-page",
    "wrong-total",
    "drift",
  ]),
  /** The name under which it is counted; by default the kind. */
  name: v.optional(v.string()),
  /** Part of the path and query of the calls that it may hit; by default all calls. */
  match: v.optional(v.string()),
  /** Part of the body of the calls that it may hit, or several that it must all have; by default any. */
  holds: v.optional(v.union([v.string(), v.array(v.string())])),
  /** How many calls it hits; by default without limit. */
  times: v.optional(v.number()),
  /** Share of the calls that it hits, 0 to 1 (1). */
  share: v.optional(v.number()),
  status: v.optional(v.number()),
  body: v.optional(v.string()),
  /** How `bad-face` refuses: with this code, or by taking all but the picture ("0"). */
  code: v.optional(v.picklist(["0", "2", "128"])),
  /** How much `wrong-total` is off (1). */
  by: v.optional(v.number()),
  minMs: v.optional(v.number()),
  maxMs: v.optional(v.number()),
});
export type Fault = v.InferOutput<typeof faultSchema>;

/** A fault of kind `answer`. */
export const instead = (name: string, body: string, more: Partial<Fault> = {}): Fault => ({
  kind: "answer",
  name,
  body,
  ...more,
});
const control = v.pipe(v.string(), v.parseJson(), v.strictObject({ faults: v.array(faultSchema) }));

/** Numbers from 0 to 1, the same ones for the same seed (Park and Miller). */
export function randomFrom(seed: number): () => number {
  let state = (seed % 2_147_483_646) + 1;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

export class Faults {
  /** How many calls were hit, by name; faults that are over included. */
  readonly seen: Record<string, number> = {};
  #active: (Fault & { seen: number })[] = [];

  constructor(readonly random: () => number) {}

  /** Replaces all faults; without arguments it ends them. */
  set(...faults: readonly Fault[]): void {
    this.#active = faults.map((fault) => ({ ...fault, seen: 0 }));
  }

  /** The first fault of this kind that hits this call, if any; it is counted. */
  take(kind: Fault["kind"], url: string, body = ""): Fault | undefined {
    const fault = this.#active.find(
      ({ kind: is, match = "", holds = [], times = Number.POSITIVE_INFINITY, share = 1, seen }) =>
        is === kind &&
        url.includes(match) &&
        [holds].flat().every((part) => body.includes(part)) &&
        seen < times &&
        this.random() < share,
    );
    if (!fault) return undefined;
    fault.seen++;
    const name = fault.name ?? kind;
    this.seen[name] = (this.seen[name] ?? 0) + 1;
    return fault;
  }
}

/** `url` is path and query; header names are in lower case, their values the bytes that arrived. */
export type Call = Pick<IncomingMessage, "headers"> & { method: string; url: string; body: Buffer };

export interface ServerOptions {
  port?: number;
  seed?: number;
  faults?: readonly Fault[];
}

/**
 * An HTTP server on 127.0.0.1 that fails on demand: `POST /_control {faults}` replaces its faults, `GET /_state`
 * shows what it saw. n.b. node:http, because Bun.serve cannot cut a socket.
 */
export async function serve(
  { port = 0, seed = 0, faults: first = [] }: ServerOptions,
  answer: (call: Call, faults: Faults) => Response | Promise<Response>,
  state: () => object,
) {
  const faults = new Faults(randomFrom(seed));
  faults.set(...first);

  /** Undefined cuts the connection; a promise without end leaves it open in silence. */
  async function act(call: Call, arrivedAt: number): Promise<Response | undefined> {
    const { url } = call;
    if (url === "/_state") return Response.json({ ...state(), faults: faults.seen });
    if (url === "/_control") {
      const wanted = v.safeParse(control, call.body.toString());
      if (!wanted.success) return Response.json(v.flatten(wanted.issues), { status: 400 });
      faults.set(...wanted.output.faults);
      return Response.json(faults.seen);
    }
    const text = call.body.toString();
    const { minMs = 0, maxMs = minMs } = faults.take("slow", url, text) ?? {};
    if (maxMs > 0) {
      const dueAt = arrivedAt + minMs + faults.random() * (maxMs - minMs);
      await Bun.sleep(Math.max(0, dueAt - performance.now()));
    }
    if (faults.take("reset", url, text)) return undefined;
    if (faults.take("hang", url, text)) return new Promise(() => {});
    const fault = faults.take("answer", url, text);
    if (fault) return new Response(fault.body, { status: fault.status ?? 200 });
    const answered = await answer(call, faults);
    return faults.take("lost", url, text) ? undefined : answered;
  }

  const server = createServer(async (request, response) => {
    const arrivedAt = performance.now();
    const body = await buffer(request).catch(() => undefined);
    if (!body) return;
    const { method = "", url = "", headers } = request;
    const answered = await act({ method, url, headers, body }, arrivedAt);
    if (!answered) return void request.socket.destroy();
    const ahead = faults.take("clock", url);
    const date = ahead ? { date: new Date(Date.now() + (ahead.minMs ?? 0)).toUTCString() } : {};
    const bytes = await answered.bytes();
    // n.b. That of a 304 would be the length of what is not sent.
    const length = answered.status === 304 ? {} : { "content-length": bytes.length };
    response.writeHead(answered.status, { ...Object.fromEntries(answered.headers), ...length, ...date });
    if (!faults.take("half", url)) return void response.end(bytes);
    response.write(bytes.subarray(0, bytes.length / 2), () => request.socket.destroy());
  });
  // As nginx does; node's 5 s would sometimes close a connection while a call is being sent on it.
  server.keepAliveTimeout = 75_000;
  async function up(): Promise<void> {
    if (server.listening) return;
    server.listen(port, "127.0.0.1");
    await once(server, "listening").catch((error) => {
      const advice = "stop the program that uses it, or choose another port";
      throw new Exit(exits.unavailable, `port ${port} of 127.0.0.1 is not available: ${advice}`, { cause: error });
    });
    ({ port } = server.address() as AddressInfo);
  }
  async function down(): Promise<void> {
    if (!server.listening) return;
    const closed = once(server, "close");
    server.close();
    server.closeAllConnections();
    await closed;
  }
  await up();
  return {
    origin: `http://127.0.0.1:${port}`,
    faults,
    /** Refuses connections and cuts the open ones, until `up`. */
    down,
    up,
    [Symbol.asyncDispose]: down,
  };
}
