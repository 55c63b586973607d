import { isUtf8 } from "node:buffer";
import { setImmediate as nextTurn } from "node:timers/promises";
import * as v from "valibot";
import type { Secret } from "../config/secret.ts";
import { type Failure, retry, unavailable } from "../errors.ts";
import type { Caller } from "../util/caller.ts";
import { takeJson } from "../util/exact-json.ts";
import {
  type Fetch,
  retryAfterMs,
  type TlsOptions,
  TransportError,
  type UpstreamAnswer,
  upstreamFetch,
} from "./http.ts";
import { trustAdvice } from "./tls.ts";

/** The envelope of a page is checked strictly. Its employees are not checked here and travel unchanged. */
export const eposhPage = v.looseObject({
  data: v.array(v.unknown()),
  pagination: v.looseObject({
    current_page: v.number(),
    last_page: v.number(),
    total: v.number(),
  }),
});
export type EposhPage = v.InferOutput<typeof eposhPage>;

export interface Eposh {
  /** One page of the employees inducted on a date (YYYY-MM-DD). Anything but a whole envelope is a failure, never an empty page. */
  page(date: string, page: number): Promise<EposhPage>;
}

export interface EposhClient {
  /** Its calls end when `signal` aborts. */
  for(signal: AbortSignal, on?: Partial<Caller>): Eposh;
  /** True when Eposh answers with a status below 500. Never throws. */
  probe(signal: AbortSignal): Promise<boolean>;
}

export interface EposhOptions {
  url: string;
  apiKey: Secret;
  appId: Secret;
  pageSize: number;
  timeoutMs: number;
  tls?: TlsOptions | undefined;
  fetch?: Fetch | undefined;
  now?: () => number;
}

const probeTimeoutMs = 5000;
const suspect = "eposh";

export function createEposh(options: EposhOptions): EposhClient {
  const { url, apiKey, appId, pageSize, timeoutMs, now = Date.now } = options;

  async function get(date: string, page: number, limit: number, deadlineMs: number, signal: AbortSignal) {
    const address = new URL(url);
    const query = { induction_date: date, include_base64: "false", page, limit };
    for (const [name, value] of Object.entries(query)) address.searchParams.set(name, String(value));
    const headers = { accept: "application/json", "x-api-key": apiKey.reveal(), "x-app-id": appId.reveal() };
    const { tls, fetch } = options;
    return upstreamFetch({ url: address.href, headers, timeoutMs: deadlineMs, signal, tls, fetch });
  }

  function refusal(status: number, headers: Headers, where: string): Failure | undefined {
    if (status >= 200 && status < 300) return undefined;
    const text = `Eposh answered HTTP ${status} for ${where}`;
    if (status >= 500) return retry("eposh_unavailable", text, { suspect });
    if (status === 429) return retry("eposh_busy", text, { afterMs: retryAfterMs(headers, now()) });
    const refused = { code: "eposh_refused", reason: "setup" } as const;
    if (status === 401 || status === 403)
      return unavailable(suspect, `${text}: check eposh.api_key and eposh.app_id`, refused);
    // Some servers answer so for a date without employees.
    const check = "if it answers so for every date, check eposh.url";
    return unavailable(suspect, `${text}; ${check}`, { ...refused, mayBeOne: true });
  }

  async function page(date: string, number: number, signal: AbortSignal): Promise<EposhPage> {
    const where = `page ${number} of ${date}`;
    const answer = await get(date, number, pageSize, timeoutMs, signal).catch(async (thrown) => {
      if (!(thrown instanceof TransportError)) throw thrown;
      const text = `Eposh: ${thrown.message} for ${where}`;
      if (thrown.kind === "certificate") {
        const advice = await trustAdvice(new URL(url), "eposh.ca_file", options.tls !== undefined);
        throw unavailable(suspect, `${text}: ${advice}`, { code: "eposh_untrusted", reason: "setup", cause: thrown });
      }
      if (thrown.kind === "too_large") throw retry("eposh_bad_page", text, { cause: thrown });
      throw retry("eposh_unavailable", text, { suspect, cause: thrown });
    });
    const refused = refusal(answer.status, answer.headers, where);
    if (refused) throw refused;
    const utf8 = utf8Of(answer);
    if (!utf8 || hasLostLetters(utf8))
      throw retry(
        "eposh_bad_page",
        `Eposh's ${where} has letters that its charset does not hold: names would be wrong`,
      );
    const found = await pageIn(utf8);
    if (!found) throw retry("eposh_bad_page", `Eposh's answer for ${where} is not a page with data and pagination`);
    // To read a page took its time, and so does what follows.
    await nextTurn();
    const { total } = found.pagination;
    if (found.data.length === 0 && total > 0)
      throw retry("eposh_bad_page", `Eposh's ${where} is empty, but its total is ${total}`);
    return found;
  }

  return {
    for: (signal, { progress } = {}) => ({
      page: (date, number) => page(date, number, signal).finally(() => progress?.()),
    }),
    probe: (signal) =>
      get(new Date(now()).toISOString().slice(0, 10), 1, 1, probeTimeoutMs, signal).then(
        ({ status }) => status < 500,
        () => false,
      ),
  };
}

/** JSON is UTF-8, whatever its label says; only what cannot be UTF-8 is read as the label says. Undefined where neither fits. */
function utf8Of({ body, headers }: UpstreamAnswer): Buffer | undefined {
  if (isUtf8(body)) return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const [, label = ""] = /charset="?([\w.:-]+)/i.exec(headers.get("content-type") ?? "") ?? [];
  try {
    return Buffer.from(new TextDecoder(label as Bun.Encoding, { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** Of which only U+FFFD is left, as it is or escaped. */
const hasLostLetters = (utf8: Buffer) =>
  utf8.includes("\ufffd") ||
  (["\\uf", "\\uF"].some((start) => utf8.includes(start)) && /\\ufffd/i.test(utf8.toString("latin1")));

async function pageIn(body: Uint8Array): Promise<EposhPage | undefined> {
  try {
    return v.parse(eposhPage, await takeJson(body));
  } catch {
    return undefined;
  }
}
