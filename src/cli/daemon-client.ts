import { setTimeout as sleep } from "node:timers/promises";
import type { LocalConfig } from "../config/load.ts";
import type { FailureCode } from "../errors/codes.ts";
import { Exit, exits } from "../errors.ts";
import type { RunView } from "../ledger/runs.ts";
import { backoff } from "../util/backoff.ts";

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

const livesWithinMs = 5_000;
export const howToStart = "Start it: systemctl start hikvision-sync, or hikvision-sync serve";

/** Through it the commands call the running daemon. */
export class DaemonClient {
  readonly #headers: Record<string, string>;

  constructor(
    readonly url: string,
    token?: string,
    /** How long to wait for a daemon that is just starting. */
    private readonly startMs = 0,
  ) {
    this.#headers = token === undefined ? {} : { authorization: `Bearer ${token}` };
  }

  static of({ http }: LocalConfig, startMs?: number): DaemonClient {
    const host = http.host === "0.0.0.0" ? "127.0.0.1" : http.host === "::" ? "::1" : http.host;
    const url = `http://${host.includes(":") ? `[${host}]` : host}:${http.port}`;
    return new DaemonClient(url, http.token?.reveal(), startMs);
  }

  /** Says that no daemon answers; undefined where one does. Exit 69 where one listens and does not answer. */
  async missing(): Promise<string | undefined> {
    const signal = AbortSignal.timeout(livesWithinMs);
    try {
      await fetch(`${this.url}/livez`, { headers: this.#headers, signal });
      return undefined;
    } catch {
      if (!signal.aborted) return `no daemon answers at ${this.url}`;
      const text = `the daemon at ${this.url} does not answer within ${livesWithinMs / 1000} s`;
      throw new Exit(exits.unavailable, `${text}. See: systemctl status hikvision-sync; if this lasts, restart it`);
    }
  }

  /** Exit 69 when no daemon answers. */
  async call(
    method: "GET" | "POST",
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const request = {
      method,
      headers: { ...this.#headers, ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A replay at a few dead letters a second sends nothing until it is done.
      timeout: false,
    };
    const answer = await this.#fetch(`${this.url}${path}`, request);
    const parsed: unknown = await answer.json().catch(() => ({
      error: `HTTP ${answer.status} without JSON: another program may listen at ${this.url}; check http.port`,
    }));
    return { status: answer.status, body: parsed as Record<string, unknown> };
  }

  async #fetch(url: string, request: RequestInit): Promise<Response> {
    let cause: unknown;
    for await (const _ of backoff({ firstMs: 100, signal: AbortSignal.timeout(this.startMs) })) {
      try {
        return await fetch(url, request);
      } catch (error) {
        cause = error;
      }
    }
    throw new Exit(exits.unavailable, `no daemon answers at ${this.url}. ${howToStart}`, { cause });
  }

  /** The run at each poll, until it is done or has made no progress for `patienceMs`. */
  async *follow(
    run: string,
    {
      everyMs = 500,
      patienceMs = 60_000,
      signal,
    }: { everyMs?: number; patienceMs?: number; signal?: AbortSignal } = {},
  ) {
    let last = "";
    for (let lastProgressAt = Date.now(); !signal?.aborted; ) {
      const { status, body } = await this.call("GET", `/runs/${run}`);
      if (status !== 200) throw new Exit(exits.failed, String(body.error));
      const view = body as unknown as RunView;
      yield view;
      if (view.status === "done" || view.status === "cancelled") return;
      const { fetched, stages } = view;
      const now = JSON.stringify({ fetched, stages });
      if (now !== last) [last, lastProgressAt] = [now, Date.now()];
      if (Date.now() - lastProgressAt > patienceMs) return;
      await sleep(everyMs, undefined, signal && { signal }).catch(() => {});
    }
  }
}

const faceless: readonly string[] = [
  "no_photo",
  "photo_host_not_allowed",
  "face_refused",
  "face_not_stored",
] satisfies FailureCode[];
/** Persons in HikCentral without a face. */
export const withoutFace = ({ warnings }: RunView): number =>
  warnings.filter(({ code }) => faceless.includes(code)).reduce((sum, { count }) => sum + count, 0);
