import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Context, MiddlewareHandler } from "hono";
import { bodyLimit } from "hono/body-limit";
import { isLoopback } from "../config/load.ts";
import type { Secret } from "../config/secret.ts";
import type { Log } from "../observability/log.ts";
import { Attempts, sourceOf } from "../util/access/attempts.ts";
import { net } from "../util/access/late-modules.ts";
import { sameText } from "../util/access/same-text.ts";
import type { Connection } from "./listen.ts";

export interface AccessOptions {
  /** Where the daemon listens (http.host). */
  host: string;
  /** Without a token a port answers only what anybody on this machine may ask; the daemon then listens on loopback. */
  token?: Secret | undefined;
  log: Log;
  /** For the body as a whole (30 s). */
  bodyTimeoutMs?: number;
  /** Before a wrong token is answered, once a source has sent too many (1 s). */
  wrongDelayMs?: number;
  /** An idle connection is closed after so long (30). */
  idleSeconds?: number;
  /** Those of the page's login count with the others. */
  attempts?: Attempts;
  now?: () => number;
}

const maxBodyBytes = 64 * 1024;
/** Wrong tokens from one source within a minute before further wrong ones are slowed down for the rest of the minute. */
const maxWrong = 10;
const minuteMs = 60_000;

/** What the Python workers offered, and what monitoring reads: anybody on this machine may ask for it. */
const open: readonly (readonly [method: string, path: RegExp])[] = [
  ["POST", /^\/eposh-induction$/],
  ["GET", /^\/(runs\/[^/]+|livez|readyz|metrics)$/],
];
const isOpen = (asked: string, at: string) =>
  open.some(([method, path]) => (asked === "HEAD" ? "GET" : asked) === method && path.test(at));

const said = (error: string) => ({ status: "error", error });

/** The name in a Host header: in lower case, without the port and the brackets of an IPv6 address. */
const hostnameOf = (host: string) => (URL.parse(`http://${host}`)?.hostname ?? "").replace(/^\[|\]$/g, "");

/**
 * Whether a Host header can mean this daemon. A web page may let its own name point to our address and then has our
 * origin in the browser; a numeric address cannot be redirected so.
 */
function isOwnHost(name: string, listening: string): boolean {
  if (isLoopback(listening)) return isLoopback(name);
  const machine = (full: string) => full.toLowerCase().split(".")[0];
  return isLoopback(name) || name === listening || net().isIP(name) > 0 || machine(name) === machine(hostname());
}

/** The page has sessions of its own, because a browser cannot send the token. */
const isOfPage = (path: string) => /^\/(ui(\/.*)?)?$/.test(path);

/** Decides which requests are answered; runs before every route. */
export function createAccess(options: AccessOptions): MiddlewareHandler {
  const { host, token, log, bodyTimeoutMs = 30_000, wrongDelayMs = 1_000, idleSeconds = 30 } = options;
  const { attempts = new Attempts(options.now) } = options;
  const limit = bodyLimit({
    maxSize: maxBodyBytes,
    onError: (c) => c.json(said(`the body is larger than ${maxBodyBytes} bytes; send only what the call takes`), 413),
  });
  /** Why this request over the network is not answered. */
  const refusalOf = async (c: Context): Promise<Response | undefined> => {
    const refuse = (status: 401 | 403 | 429, error: string) => c.json(said(error), status);
    const given = c.req.header("host") ?? "";
    if (!isOwnHost(hostnameOf(given), host))
      return refuse(403, "this Host is refused; call the daemon by its address, for example http://127.0.0.1:5000");
    // A page in the operator's browser must not be able to start a run.
    const origin = c.req.header("origin");
    if (origin !== undefined && URL.parse(origin)?.host !== given.toLowerCase())
      return refuse(403, "requests from another origin are refused; call the daemon directly, for example with curl");
    if (isOfPage(c.req.path)) return undefined;
    if (token === undefined)
      return isOpen(c.req.method, c.req.path)
        ? undefined
        : refuse(403, "this is for operators: use the hikvision-sync commands on this machine, or set http.token");

    const authorization = c.req.header("authorization");
    // The right token is never locked out by whoever guesses from the same address.
    if (sameText(authorization ?? "", `Bearer ${token.reveal()}`)) return undefined;
    c.header("WWW-Authenticate", "Bearer");
    // A request without a token is not a guess.
    const connection: Connection = c.env ?? {};
    const source = sourceOf(connection.requestIP?.(c.req.raw)?.address ?? "unknown");
    const count = authorization === undefined ? 0 : attempts.add(source);
    if (count === 1)
      log.warn(`wrong token from ${source}; more of them are logged once a minute`, { code: "wrong_token" });
    if (count <= maxWrong)
      return refuse(401, "the token is missing or wrong; send Authorization: Bearer with http.token");
    await sleep(wrongDelayMs);
    c.header("Retry-After", String(minuteMs / 1000));
    return refuse(429, "too many wrong tokens from this address; check http.token, or try again in a minute");
  };
  return async (c, next) => {
    const request = c.req.raw;
    const connection: Connection = c.env ?? {};
    const refusal = connection.isOperator ? undefined : await refusalOf(c);
    if (refusal) return refusal;

    const late = Promise.withResolvers<"late">();
    const timer = setTimeout(() => late.resolve("late"), bodyTimeoutMs);
    const read = limit(c, async () => void (await c.req.text())).catch(() => "late" as const);
    const refused = await Promise.race([read, late.promise]).finally(() => clearTimeout(timer));
    if (refused === "late") return c.json(said("the body of the request did not arrive in time"), 408);
    if (refused) return refused;
    // n.b. Bun closes a silent connection. An induction and a live page are silent for minutes: no limit from here on.
    connection.timeout?.(request, 0);
    await next();
    const isLive = c.res.headers.get("content-type")?.startsWith("text/event-stream");
    if (!isLive) connection.timeout?.(request, idleSeconds);
    return undefined;
  };
}
