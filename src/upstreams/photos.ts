import { reject, retry, unavailable } from "../errors.ts";
import type { Face, PhotoHistory } from "../people/types.ts";
import { type Caller, permitFor } from "../util/caller.ts";
import { createSemaphore } from "../util/semaphore.ts";
import { createDecoderPool, type DecoderPoolOptions } from "./decoder/decoder-pool.ts";
import {
  type Fetch,
  retryAfterMs,
  type TlsOptions,
  TransportError,
  type UpstreamAnswer,
  upstreamFetch,
} from "./http.ts";
import { trustAdvice } from "./tls.ts";

export interface Photos extends PhotoHistory {
  /**
   * The photo behind a link, made fit for HikCentral.
   * Rejects with `photo_missing` (404, 410) or `photo_unusable` (too large, undecodable), retries with
   * `photo_unavailable` (401, 403, 5xx, time-out), and is unavailable (set-up) for a host that is not allowed or
   * whose certificate is not trusted.
   */
  fetch(link: string): Promise<Face>;
}

export interface PhotoOptions {
  /** Exact host names; the port is free. A link or a redirect to any other is never connected to. */
  allowedHosts: readonly string[];
  /** Of one photo, as downloaded. */
  maxBytes: number;
  /** For one photo: redirects, headers and body. */
  timeoutMs: number;
  /** Photos in progress at a time, downloading or decoding: this bounds the memory. */
  concurrency: number;
  tls?: TlsOptions | undefined;
  fetch?: Fetch | undefined;
  decoders?: DecoderPoolOptions;
  now?: () => number;
}

export interface PhotoClient extends Disposable {
  /** Its downloads end with the reason of `signal` when that aborts. Photos are never cached: Eposh reuses links. */
  for(signal: AbortSignal, on?: Partial<Caller>): Pick<Photos, "fetch">;
  /** Whether the host that failed last gives any HTTP answer; true when none has failed yet. Never rejects. */
  probe(signal: AbortSignal): Promise<boolean>;
}

const maxRedirects = 5;
const probeTimeoutMs = 5000;

export function createPhotos(options: PhotoOptions): PhotoClient {
  const { maxBytes, tls, now = Date.now, fetch = globalThis.fetch } = options;
  const allowedHosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  const hand = createSemaphore(options.concurrency);
  const decoders = createDecoderPool(options.decoders);
  let failedOrigin: string | undefined;

  /** Reads the body only of a success that is not too large. */
  const fetchPhoto: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (response.ok && !(declaredBytes(response.headers) > maxBytes)) return response;
    await response.body?.cancel();
    return new Response(null, response);
  };

  async function download(link: string, signal: AbortSignal): Promise<Uint8Array> {
    const endsAt = performance.now() + options.timeoutMs;
    let url = parse(link);
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      if (!allowedHosts.has(url.hostname)) throw notAllowed(url);
      const answer = await answerOf(url, endsAt, signal);
      const next = answer.headers.get("location");
      if (answer.status < 300 || answer.status > 399 || next === null) return photoIn(answer, url);
      url = parse(next, url);
    }
    throw retry("photo_unavailable", `${url.host} redirects a photo more than ${maxRedirects} times`);
  }

  async function answerOf(url: URL, endsAt: number, signal: AbortSignal): Promise<UpstreamAnswer> {
    const timeoutMs = Math.max(1, endsAt - performance.now());
    try {
      return await upstreamFetch({ url: url.href, timeoutMs, maxBytes, signal, tls, fetch: fetchPhoto });
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (error.kind === "too_large") throw tooLarge();
      const text = `${url.host} gave no photo: ${error.message}`;
      if (error.kind === "certificate") {
        const advice = await trustAdvice(url, "photo.ca_file");
        throw unavailable("photo", `${text}: ${advice}`, { code: "photo_untrusted", reason: "setup", cause: error });
      }
      failedOrigin = url.origin;
      throw retry("photo_unavailable", text, { cause: error, suspect: "photo" });
    }
  }

  function photoIn({ status, headers, body }: UpstreamAnswer, url: URL): Uint8Array {
    if (status >= 200 && status < 300) {
      if (declaredBytes(headers) > maxBytes) throw tooLarge();
      return body;
    }
    if (status === 404 || status === 410)
      throw reject("photo_missing", `${url.host} has no photo behind the link (${status})`);
    if (status >= 500) failedOrigin = url.origin;
    const afterMs = status === 429 || status === 503 ? retryAfterMs(headers, now()) : undefined;
    throw retry("photo_unavailable", `${url.host} answered ${status} instead of a photo`, {
      afterMs,
      suspect: status >= 500 ? "photo" : undefined,
    });
  }

  const tooLarge = () =>
    reject("photo_unusable", `the photo is over the size limit of ${maxBytes} bytes (photo.max_bytes)`);

  return {
    [Symbol.dispose]: () => decoders[Symbol.dispose](),
    for: (signal, on = {}) => ({
      async fetch(link) {
        using _hand = await permitFor(hand, { ...on, signal });
        const bytes = await download(link, signal).finally(() => on.progress?.());
        return (await decoders.fit(bytes, signal)).toString("base64") as Face;
      },
    }),
    async probe(signal) {
      if (failedOrigin === undefined) return true;
      const root = {
        url: `${failedOrigin}/`,
        timeoutMs: probeTimeoutMs,
        maxBytes,
        signal,
        tls,
        fetch: fetchPhoto,
      };
      return await upstreamFetch(root).then(
        () => true,
        (error) => error instanceof TransportError && error.kind === "too_large",
      );
    },
  };
}

/** n.b. The error has no cause and does not quote the link: its query may be a key. */
function parse(link: string, base?: URL): URL {
  const url = URL.parse(link, base?.href);
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  const what = base ? `${base.host} redirects a photo to what` : "the photo link";
  throw reject("photo_unusable", `${what} is not an http or https address`);
}

function notAllowed({ hostname }: URL) {
  const text = `photos come from ${hostname}, which is not allowed: if the host is right, add it to photo.allowed_hosts`;
  return unavailable("photo", text, { reason: "setup", code: "photo_host_not_allowed" });
}

/** NaN where the answer does not say. */
const declaredBytes = (headers: Headers) => Number(headers.get("content-length") ?? Number.NaN);
