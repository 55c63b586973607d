import { isReject, isRetry, reject, retry } from "../errors.ts";
import type { Face, PhotoHistory, PhotoSource } from "../people/types.ts";
import { type Caller, permitFor } from "../util/caller.ts";
import { isPicture } from "../util/picture-type.ts";
import { type Acquire, createSemaphore } from "../util/semaphore.ts";
import type { Shown } from "./circuit-breaker.ts";
import { createDecoderPool, type DecoderPool, type DecoderPoolOptions } from "./decoder/decoder-pool.ts";
import {
  type Fetch,
  retryAfterMs,
  type TlsOptions,
  TransportError,
  type UpstreamAnswer,
  upstreamFetch,
} from "./http.ts";
import { SilentHosts } from "./silent-hosts.ts";
import { trustAdvice } from "./tls.ts";

export interface Photo {
  /** Eight characters that tell one picture from another, whatever its link. */
  readonly mark: string;
  /** The picture, made fit for HikCentral. */
  readonly face: Face;
}

export interface PhotoWish {
  /** The mark of a picture that the caller has already: then the answer is undefined. */
  unless?: string | undefined;
  /**
   * For a caller that other employees wait for, from its turn on: a host that does not answer is left alone, the photo
   * comes later.
   */
  patienceMs?: number;
}

export interface Photos extends PhotoHistory {
  /**
   * The photo behind a link. Rejects with `photo_missing` (404, 410), `photo_unusable` (too large, undecodable) or
   * `photo_host_not_allowed`, and retries with `photo_refused` (4xx: the link may have expired),
   * `photo_untrusted` (the certificate), `decoder_failed` or `photo_unavailable` (all else). It never pauses a stage:
   * one link says nothing about the others.
   */
  fetch(link: string, wish?: PhotoWish): Promise<Photo | undefined>;
}

export interface PhotoOptions {
  /** Exact host names; the port is free. A link or a redirect to any other is never connected to. */
  allowedHosts: readonly string[];
  /** Of one photo, as downloaded. */
  maxBytes: number;
  /** For one photo: redirects, headers and body. */
  timeoutMs: number;
  /** Photos in progress at a time, downloading or decoding: this bounds the memory. Twice as many that others wait for. */
  concurrency: number;
  tls?: TlsOptions | undefined;
  fetch?: Fetch | undefined;
  /** A pool is its maker's to end. */
  decoders?: DecoderPoolOptions | DecoderPool | undefined;
  now?: () => number;
}

export interface PhotoCaller extends Caller {
  /** Told of a picture that can be used, also of the one that the caller has already. */
  fetched(link: string, source: PhotoSource): void;
}

/**
 * - `same`: the picture that is known; `other`: another one
 * - `unknown`: the answer says nothing about the picture, e.g. because the link has expired
 * - `away`: the host does not answer, or is busy
 */
export type PhotoLook =
  | { readonly state: "same" | "other"; readonly source: PhotoSource; readonly bytes: number }
  | { readonly state: "unknown" | "away" };

export interface PhotoClient extends Disposable {
  /** Its downloads end with the reason of `signal` when that aborts. Photos are never cached: Eposh reuses links. */
  for(signal: AbortSignal, on?: Partial<PhotoCaller>): Pick<Photos, "fetch">;
  /**
   * Asks whether the picture behind a link is still the one that is known; it is sent only if it is another one, or if
   * the host does not tell. Whoever needs a photo goes first. Rejects only with the reason of `signal`.
   */
  look(link: string, known: PhotoSource, signal: AbortSignal): Promise<PhotoLook>;
  /** Whether hosts answer. It pauses nothing. */
  readonly shown: Shown;
}

const maxRedirects = 5;
const probeTimeoutMs = 1_000;
/** What object stores say to a link that has expired, or that leads to nothing. */
const expired = new Set([400, 401, 403]);
/** Of those that speak of the request, these speak of the moment. */
const notNow = new Set([408, 425, 429]);

export function createPhotos(options: PhotoOptions): PhotoClient {
  const { maxBytes, tls, now = Date.now, fetch = globalThis.fetch } = options;
  const allowedHosts = new Set(options.allowedHosts.map((host) => host.toLowerCase()));
  const { decoders: given } = options;
  const isGiven = given !== undefined && "fit" in given;
  const decoders = isGiven ? given : createDecoderPool(given);
  const silentHosts = new SilentHosts(now);
  const probing = new Set<string>();
  const closed = new AbortController();
  // Whoever has patience must not take the place of those who have none.
  const urgent = { inHand: createSemaphore(2 * options.concurrency), decoding: undefined };
  const patient = { inHand: createSemaphore(options.concurrency), decoding: createSemaphore(1) };

  /** Reads the body only of a success that is not too large. */
  const fetchPhoto: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    if (response.ok && !(declaredBytes(response.headers) > maxBytes)) return response;
    await response.body?.cancel();
    return new Response(null, response);
  };

  async function download(
    link: string,
    isUrgent: boolean,
    signal: AbortSignal,
    headers: Record<string, string> = {},
  ): Promise<{ answer: UpstreamAnswer; url: URL }> {
    const endsAt = performance.now() + options.timeoutMs;
    let url = parse(link);
    for (let redirects = 0; redirects <= maxRedirects; redirects++) {
      if (!allowedHosts.has(url.hostname)) throw notAllowed(url);
      if (isUrgent && !silentHosts.mayAsk(url.origin))
        throw retry("photo_unavailable", `${url.host} did not answer a moment ago`);
      const answer = await answerOf(url, headers, endsAt, signal);
      const next = answer.headers.get("location");
      if (answer.status < 300 || answer.status > 399 || next === null) return { answer, url };
      url = parse(next, url);
    }
    throw retry("photo_unavailable", `${url.host} redirects a photo more than ${maxRedirects} times`);
  }

  async function answerOf(
    url: URL,
    headers: Record<string, string>,
    endsAt: number,
    signal: AbortSignal,
  ): Promise<UpstreamAnswer> {
    const timeoutMs = Math.max(1, endsAt - performance.now());
    try {
      const request = { url: url.href, headers, timeoutMs, maxBytes, signal, tls, fetch: fetchPhoto };
      const answer = await upstreamFetch(request);
      silentHosts.answered(url.origin);
      return answer;
    } catch (error) {
      if (!(error instanceof TransportError)) throw error;
      if (error.kind === "too_large") throw tooLarge();
      const text = `${url.host} gave no photo: ${error.message}`;
      if (error.kind === "certificate") {
        const advice = await trustAdvice(url, "photo.ca_file", tls !== undefined);
        throw retry("photo_untrusted", `${text}: ${advice}`, { cause: error });
      }
      if (error.kind === "unconnected") silentHosts.silent(url.origin);
      else void probe(url.origin);
      throw retry("photo_unavailable", text, { cause: error });
    }
  }

  /** Whether the host is silent, or only one of its photos. */
  async function probe(origin: string): Promise<void> {
    if (probing.has(origin)) return;
    probing.add(origin);
    const { signal } = closed;
    const headersOnly: Fetch = async (url, init) => {
      const { status, body } = await fetch(url, init);
      await body?.cancel();
      return new Response(null, { status });
    };
    try {
      await upstreamFetch({ url: `${origin}/`, timeoutMs: probeTimeoutMs, signal, tls, fetch: headersOnly });
      silentHosts.answered(origin);
    } catch (error) {
      if (error instanceof TransportError) silentHosts.silent(origin);
    } finally {
      probing.delete(origin);
    }
  }

  function photoIn({ status, headers, body }: UpstreamAnswer, url: URL): Uint8Array {
    if (status >= 200 && status < 300) {
      if (declaredBytes(headers) > maxBytes) throw tooLarge();
      return body;
    }
    if (status === 404 || status === 410)
      throw reject("photo_missing", `${url.host} has no photo behind the link (${status})`);
    if (status >= 400 && status < 500 && !notNow.has(status)) {
      const why = expired.has(status) ? ": its link may have expired" : "";
      throw retry("photo_refused", `${url.host} refuses the photo (${status})${why}`);
    }
    const afterMs = status === 429 || status === 503 ? retryAfterMs(headers, now()) : undefined;
    throw retry("photo_unavailable", `${url.host} answered ${status} instead of a photo`, { afterMs });
  }

  async function faceOf(bytes: Uint8Array, decoding: Acquire | undefined, signal: AbortSignal): Promise<Face> {
    using _decoding = await decoding?.(signal);
    return (await decoders.fit(bytes, signal)).toString("base64") as Face;
  }

  const tooLarge = () =>
    reject("photo_unusable", `the photo is over the size limit of ${maxBytes} bytes (photo.max_bytes)`);

  async function look(link: string, known: PhotoSource, signal: AbortSignal): Promise<PhotoLook> {
    using _inHand = await patient.inHand(signal, Number.POSITIVE_INFINITY);
    const { etag, lastModified } = known;
    const headers = {
      ...(etag && { "if-none-match": etag }),
      ...(lastModified && { "if-modified-since": lastModified }),
    };
    try {
      const { answer, url } = await download(link, false, signal, headers);
      if (answer.status === 304 && Object.keys(headers).length > 0) return { state: "same", source: known, bytes: 0 };
      if (answer.status === 429 || answer.status === 503) return { state: "away" };
      const bytes = photoIn(answer, url);
      // n.b. A page that asks to sign in is no other picture.
      if (!isPicture(bytes)) return { state: "unknown" };
      const source = sourceOf(bytes, answer.headers);
      return { state: source.mark === known.mark ? "same" : "other", source, bytes: bytes.byteLength };
    } catch (error) {
      signal.throwIfAborted();
      if (isRetry(error) && error.cause instanceof TransportError) return { state: "away" };
      if (isReject(error) || isRetry(error)) return { state: "unknown" };
      throw error;
    }
  }

  return {
    look,
    get shown() {
      return silentHosts.shown;
    },
    [Symbol.dispose]() {
      closed.abort();
      if (!isGiven) decoders[Symbol.dispose]();
    },
    for: (signal, on = {}) => ({
      async fetch(link, { unless, patienceMs } = {}) {
        const lane: { inHand: Acquire; decoding: Acquire | undefined } = patienceMs === undefined ? patient : urgent;
        using _inHand = await permitFor(lane.inHand, { ...on, signal });
        const late = patienceMs === undefined ? undefined : AbortSignal.timeout(patienceMs);
        const ends = late ? AbortSignal.any([signal, late]) : signal;
        try {
          const { answer, url } = await download(link, late !== undefined, ends).finally(() => on.progress?.());
          const bytes = photoIn(answer, url);
          const source = sourceOf(bytes, answer.headers);
          const { mark } = source;
          const photo = mark === unless ? undefined : { mark, face: await faceOf(bytes, lane.decoding, ends) };
          on.fetched?.(link, source);
          return photo;
        } catch (error) {
          if (signal.aborted || !late?.aborted) throw error;
          void probe(parse(link).origin);
          throw retry("photo_unavailable", `the photo did not come within ${patienceMs} ms`);
        }
      },
    }),
  };
}

/** Of what a host may say. */
const maxValidatorLength = 256;

function sourceOf(bytes: Uint8Array, headers: Headers): PhotoSource {
  const mark = new Bun.CryptoHasher("sha256").update(bytes).digest("hex").slice(0, 8);
  const [etag, lastModified] = ["etag", "last-modified"].map((name) => headers.get(name) ?? undefined);
  const isKept = (value: string | undefined) => value !== undefined && value.length <= maxValidatorLength;
  return { mark, ...(isKept(etag) && { etag }), ...(isKept(lastModified) && { lastModified }) };
}

/** n.b. The error has no cause and does not quote the link: its query may be a key. */
function parse(link: string, base?: URL): URL {
  const url = URL.parse(link, base?.href);
  if (url?.protocol === "https:" || url?.protocol === "http:") return url;
  const what = base ? `${base.host} redirects a photo to what` : "the photo link";
  throw reject("photo_unusable", `${what} is not an http or https address`);
}

const notAllowed = ({ hostname }: URL) =>
  reject(
    "photo_host_not_allowed",
    `photos come from ${hostname}, which is not allowed: if the host is right, add it to photo.allowed_hosts`,
  );

/** NaN where the answer does not say. */
const declaredBytes = (headers: Headers) => Number(headers.get("content-length") ?? Number.NaN);
