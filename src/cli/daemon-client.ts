import { setTimeout as sleep } from "node:timers/promises";
import type { FailureCode } from "../errors/codes.ts";
import { Exit, exits } from "../errors.ts";
import { timeZoneHeader } from "../http/app.ts";
import type { RunView } from "../ledger/runs.ts";
import { backoff } from "../util/backoff.ts";

export interface Answer {
  status: number;
  body: Record<string, unknown>;
}

const livesWithinMs = 5_000;
export const howToStart = "Start it: systemctl start hikvision-sync, or hikvision-sync serve";

/** Through it the commands call the running daemon, over the socket that is for operators alone. */
export class DaemonClient {
  /** The daemon's own, once it has answered. */
  timeZone: string | undefined;

  constructor(
    /** http.socket */
    readonly socket: string,
    /** How long to wait for a daemon that is just starting. */
    private readonly startMs = 0,
  ) {}

  /** Says that no daemon answers; undefined where one does. Exit 69 where one listens and does not answer. */
  async missing(): Promise<string | undefined> {
    const signal = AbortSignal.timeout(livesWithinMs);
    try {
      await this.#fetch("/livez", { signal });
      return undefined;
    } catch (error) {
      if (error instanceof Exit) throw error;
      if (!signal.aborted) return `no daemon answers at ${this.socket}`;
      const text = `the daemon at ${this.socket} does not answer within ${livesWithinMs / 1000} s`;
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
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      // A replay at a few dead letters a second sends nothing until it is done.
      timeout: false,
    };
    const answer = await this.#fetchOnceUp(path, request);
    this.timeZone = answer.headers.get(timeZoneHeader) ?? undefined;
    const parsed: unknown = await answer.json().catch(() => ({
      error: `HTTP ${answer.status} without JSON: another program may listen at ${this.socket}; check http.socket`,
    }));
    return { status: answer.status, body: parsed as Record<string, unknown> };
  }

  async #fetchOnceUp(path: string, request: RequestInit): Promise<Response> {
    let cause: unknown;
    for await (const _ of backoff({ firstMs: 100, signal: AbortSignal.timeout(this.startMs) })) {
      try {
        return await this.#fetch(path, request);
      } catch (error) {
        if (error instanceof Exit) throw error;
        cause = error;
      }
    }
    throw new Exit(exits.unavailable, `no daemon answers at ${this.socket}. ${howToStart}`, { cause });
  }

  /** Exit 69 for a user who is no operator. */
  async #fetch(path: string, request: RequestInit): Promise<Response> {
    try {
      // n.b. The name is not looked up; it must be one that no proxy is asked for (main.ts).
      return await fetch(`http://localhost${path}`, { ...request, unix: this.socket });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EACCES") throw cause;
      const text = `this user may not use the daemon's socket ${this.socket}: use sudo, or join the operators`;
      const how = "sudo usermod --append --groups hikvision-sync-operators USER, from the next login on";
      throw new Exit(exits.unavailable, `${text} (${how})`, { cause });
    }
  }

  /** A run as it is now. */
  async run(id: string): Promise<RunView> {
    const { status, body } = await this.call("GET", `/runs/${id}`);
    if (status !== 200) throw new Exit(exits.failed, String(body.error));
    return body as unknown as RunView;
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
      const view = await this.run(run);
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
