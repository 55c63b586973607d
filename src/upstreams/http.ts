import { createFetch } from "ofetch";

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/** The TLS options of Bun's fetch that are used here. */
export interface TlsOptions {
  /** PEM, trusted instead of the built-in list. */
  ca?: string;
  rejectUnauthorized?: boolean;
  /** Trusts a certificate in `ca` even if its own issuer is unknown. */
  allowPartialTrustChain?: boolean;
  /** The name that the certificate must be for, instead of the address. */
  serverName?: string;
}

export interface UpstreamRequest {
  url: string;
  method?: "GET" | "POST";
  headers?: Record<string, string>;
  body?: string;
  /** For the whole request: connecting, headers and body. */
  timeoutMs: number;
  /** Of the answer's body. 32 MiB unless told. */
  maxBytes?: number;
  /** The caller's; when it aborts, its reason is thrown as it is. */
  signal: AbortSignal;
  tls?: TlsOptions | undefined;
  fetch?: Fetch | undefined;
}

/** Any HTTP answer, whatever its status; a redirect is an answer too and is never followed. */
export interface UpstreamAnswer {
  status: number;
  headers: Headers;
  body: Uint8Array;
}

/**
 * - `unconnected`: the request cannot have arrived; `certificate`: neither, because the certificate is not trusted
 * - `broken`: the connection ended before the answer; the request may have been carried out
 * - `timeout`: no answer in time; the request may have been carried out, or may still be
 * - `too_large`: the answer's body is over `maxBytes`
 */
export type TransportKind = "unconnected" | "certificate" | "broken" | "timeout" | "too_large";

/** No complete HTTP answer. It has no cause and names neither address nor headers: ofetch's own error names both. */
export class TransportError extends Error {
  constructor(
    readonly kind: TransportKind,
    /** The system's word for it, e.g. ECONNREFUSED. */
    readonly reason: string,
  ) {
    super(`${words[kind]} (${reason})`);
  }
}

const words: Record<TransportKind, string> = {
  unconnected: "cannot connect",
  certificate: "the certificate is not trusted",
  broken: "the connection broke before the answer was complete",
  timeout: "no complete answer in time",
  too_large: "the answer is too large",
};

const unconnected = /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|EPROTO|ERR_INVALID_URL|FailedToOpenSocket)/;
/** What verifying a certificate can find (X509_V_ERR_…), and the wrong name. */
const untrusted =
  /CERT|SELF_SIGNED|^UNABLE_TO_(GET|VERIFY|DECODE|DECRYPT)|ALTNAME|^INVALID_(PURPOSE|CA|NON_CA|EXTENSION)|^PATH_LENGTH|_MISMATCH$|_TOO_(SMALL|WEAK)$|^KEYUSAGE/;

function transportError(thrown: unknown): TransportError {
  const error = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  if (error instanceof TransportError) return error;
  if (error instanceof DOMException && error.name === "TimeoutError") return new TransportError("timeout", "timeout");
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown";
  const kind = unconnected.test(code) ? "unconnected" : untrusted.test(code) ? "certificate" : "broken";
  return new TransportError(kind, code);
}

/** A body up to this size is sent in one piece. */
const maxReusedBodyBytes = 16 * 1024;

/**
 * One HTTP request through ofetch, under one deadline that also covers a body that stalls. Kept-alive connections
 * are used again. Rejects with `TransportError`, or with the caller's own reason when `signal` aborts.
 */
export async function upstreamFetch(request: UpstreamRequest): Promise<UpstreamAnswer> {
  const { url, method = "GET", headers = {}, body, timeoutMs, maxBytes = 32 * 1024 * 1024, signal, tls } = request;
  signal.throwIfAborted();
  const ofetch = createFetch({ fetch: (request.fetch ?? globalThis.fetch) as typeof globalThis.fetch });
  try {
    // n.b. ofetch ignores its own `timeout` beside a signal, and would end it at the headers.
    const response = await ofetch.raw<unknown, "stream">(url, {
      method,
      headers,
      retry: 0,
      redirect: "manual",
      responseType: "stream",
      ignoreResponseError: true,
      signal: AbortSignal.any([AbortSignal.timeout(timeoutMs), signal]),
      ...(body === undefined ? {} : { body }),
      // n.b. Bun uses a connection again whose body was answered, e.g. with "busy", before it was all sent: the next call
      // on it gets no answer at all.
      ...((body?.length ?? 0) > maxReusedBodyBytes && { keepalive: false }),
      // n.b. Without it NODE_TLS_REJECT_UNAUTHORIZED in the environment would decide.
      ...{ tls: { rejectUnauthorized: true, ...tls } },
    });
    return {
      status: response.status,
      headers: response.headers,
      body: await bodyOf(response, maxBytes),
    };
  } catch (thrown) {
    if (signal.aborted) throw signal.reason;
    throw thrown instanceof TransportError ? thrown : transportError(thrown);
  }
}

/** Milliseconds of a Retry-After in seconds or as a date; undefined where nothing is asked for. */
export function retryAfterMs(headers: Headers, now: number): number | undefined {
  const value = headers.get("retry-after") ?? "";
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - now;
  return waitMs > 0 ? waitMs : undefined;
}

/** Whether the head says how many bytes the body has: a chunked or a compressed body may have more. */
const isDeclared = (headers: Headers) =>
  headers.has("content-length") && !headers.has("content-encoding") && !headers.has("transfer-encoding");

async function bodyOf(response: Response, maxBytes: number): Promise<Uint8Array> {
  const { headers, body } = response;
  // n.b. A small answer that is read as a stream takes a sixth more CPU.
  if (isDeclared(headers) && Number(headers.get("content-length")) <= maxBytes) return await response.bytes();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of body ?? []) {
    size += chunk.byteLength;
    if (size > maxBytes) throw new TransportError("too_large", `over ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
