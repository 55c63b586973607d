import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import * as v from "valibot";
import { retry, unavailable } from "../errors.ts";
import { type Fetch, TransportError, upstreamFetch } from "../upstreams/http.ts";
import { type Caller, permitFor } from "../util/caller.ts";
import { takeJson } from "../util/exact-json.ts";
import { pictureTypeOf } from "../util/picture-type.ts";
import { createSemaphore } from "../util/semaphore.ts";
import type { Body, Send } from "./api.ts";
import { failureFor, isSuccess } from "./error-codes.ts";
import { type SignatureOptions, signedHeaders } from "./signature.ts";
import { type Trust, TrustedRoute } from "./trusted-route.ts";

export interface TransportOptions extends Omit<SignatureOptions, "now" | "uuid"> {
  /** With or without /artemis. */
  url: string;
  tls?: Trust;
  /** Calls at a time, for all stages together. */
  concurrency: number;
  /** For one call, from the moment it has its permit. */
  timeoutMs: number;
  /** Before the second and the third try after a transport failure. */
  retryPausesMs?: readonly number[];
  /** Told of each call: HikCentral's code, or the word for the transport failure. */
  onCall?: ((info: { call: string; code: string; ms: number }) => void) | undefined;
  fetch?: Fetch | undefined;
  now?: () => number;
  uuid?: () => string;
}

const probeTimeoutMs = 5000;
const largeBytes = 32 * 1024;
const suspect = "hikcentral";

/** An HTTP answer that is not one of HikCentral's, e.g. a proxy's page. */
class BadAnswer extends Error {}

const envelope = v.object({
  code: v.union([v.pipe(v.string(), v.nonEmpty()), v.number()]),
  msg: v.fallback(v.string(), ""),
  data: v.optional(v.unknown()),
});

/** n.b. Status and content type mean nothing: a rejected signature is 200 or 401, and JSON may be labelled text. */
async function envelopeOf(status: number, body: Uint8Array) {
  const bare = status < 400 ? barePicture(body) : undefined;
  if (bare !== undefined) return { code: "0", msg: "", data: bare };
  try {
    const parsed = v.parse(envelope, await takeJson(body));
    if (status < 400 || !isSuccess(parsed.code)) return parsed;
  } catch {}
  throw new BadAnswer(`HTTP ${status} without HikCentral's envelope`);
}

const dataUri = "data:image/";

/** A picture comes without an envelope: as a data URI, or as its bytes, which are given as Base64. */
function barePicture(body: Uint8Array): string | undefined {
  if (pictureTypeOf(body) !== undefined) return Buffer.from(body).toString("base64");
  const isUri = Buffer.from(body.subarray(0, dataUri.length)).toString() === dataUri;
  return isUri ? Buffer.from(body).toString() : undefined;
}

export function createTransport(options: TransportOptions) {
  const { retryPausesMs = [200, 1000], onCall, timeoutMs, appKey } = options;
  const root = options.url.replace(/\/+$/, "").replace(/\/artemis$/, "");
  const signature = { now: Date.now, uuid: () => crypto.randomUUID(), ...options };
  const route = new TrustedRoute(new URL(root), options.tls ?? {}, options.fetch);
  const acquire = createSemaphore(options.concurrency);

  async function post(path: string, body: Body, deadlineMs: number, signal: AbortSignal) {
    const answer = await route.send((way) =>
      upstreamFetch({
        url: `${root}/artemis${path}`,
        method: "POST",
        headers: signedHeaders(`/artemis${path}`, signature),
        body: JSON.stringify(body),
        timeoutMs: deadlineMs,
        signal,
        ...way,
      }),
    );
    // To read a list of 500 persons takes milliseconds, and so did receiving it.
    if (answer.body.length > largeBytes) await nextTurn();
    return await envelopeOf(answer.status, answer.body);
  }

  async function measured(call: string, path: string, body: Body | (() => Body), caller: Caller) {
    using _permit = await permitFor(acquire, caller);
    const startedAt = performance.now();
    let code = "aborted";
    try {
      const answer = await post(path, typeof body === "function" ? body() : body, timeoutMs, caller.signal);
      code = String(answer.code);
      return answer;
    } catch (thrown) {
      if (thrown instanceof TransportError) code = thrown.kind;
      if (thrown instanceof BadAnswer) code = "bad_answer";
      throw thrown;
    } finally {
      onCall?.({ call, code, ms: performance.now() - startedAt });
      caller.progress?.();
    }
  }

  /** The failure that a stage sees when a transport failure persists. */
  async function explain(thrown: unknown, call: string, once: boolean): Promise<unknown> {
    if (!(thrown instanceof TransportError || thrown instanceof BadAnswer)) return thrown;
    const kind = thrown instanceof TransportError ? thrown.kind : "bad_answer";
    const text = `HikCentral: ${thrown.message} (${call})`;
    if (kind === "certificate") {
      const { hasChanged, advice } = await route.explain();
      const code = hasChanged ? "hikcentral_certificate_changed" : "hikcentral_untrusted";
      const what = hasChanged ? `HikCentral: the certificate has changed (${call})` : text;
      return unavailable(suspect, `${what}: ${advice}`, { code, reason: "setup", cause: thrown });
    }
    const options = { suspect, cause: thrown };
    if (once && kind !== "unconnected")
      return retry(
        "answer_lost",
        `${text}: the call may have been carried out; look before you send it again`,
        options,
      );
    if (kind === "timeout") return retry("hikcentral_timeout", text, options);
    const unreachable = kind === "unconnected" || kind === "broken";
    return retry(unreachable ? "hikcentral_unreachable" : "hikcentral_bad_answer", text, options);
  }

  return {
    [Symbol.dispose]: () => route[Symbol.dispose](),
    /** Calls that end when the caller's signal aborts. */
    send(caller: Caller): Send {
      const { signal } = caller;
      return async (path, body, data, { once = false } = {}) => {
        const call = path.replace(/^\/api\/\w+\/v1\//, "");
        for (let failures = 0; ; failures++) {
          try {
            const answer = await measured(call, path, body, caller);
            if (!isSuccess(answer.code)) throw failureFor(call, answer.code, answer.msg, appKey);
            const parsed = await v.safeParseAsync(data, answer.data);
            if (parsed.success) return parsed.output;
            const where = parsed.issues.map((issue) => v.getDotPath(issue) ?? "data");
            throw new BadAnswer(`the data is not as documented at ${where.join(", ")}`);
          } catch (thrown) {
            const kind = thrown instanceof TransportError ? thrown.kind : undefined;
            const safe = kind === "unconnected" || (kind === "broken" && !once);
            const pauseMs = safe ? retryPausesMs[failures] : undefined;
            if (pauseMs === undefined) throw await explain(thrown, call, once);
            await sleep(pauseMs, undefined, { signal }).catch(() => signal.throwIfAborted());
          }
        }
      };
    },

    /** Whether HikCentral answers at all: any envelope counts, also a refusal. Takes no permit. */
    async probe(signal: AbortSignal): Promise<boolean> {
      const answer = await post("/api/common/v1/version", {}, probeTimeoutMs, signal).catch(() => undefined);
      return answer !== undefined;
    },
  };
}
