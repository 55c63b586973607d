import type { HtmlEscapedString } from "hono/utils/html";
import type { Loaded } from "../config/load.ts";
import type { Secret } from "../config/secret.ts";
import type { Log } from "../observability/log.ts";
import type { SharedExamination } from "../operator/examination.ts";
import type { Operator } from "../operator/operator.ts";
import type { Times } from "../operator/words/times.ts";
import type { Attempts } from "../util/access/attempts.ts";
import type { Session, Sessions } from "./sessions.ts";
import type { UiWords } from "./words/english.ts";

/** What became of the request for a run. */
export interface RunAnswer {
  outcome: "accepted" | "running" | "refused" | "crowded" | "failed" | "unavailable" | "fetched";
  run?: string;
  text?: string;
}

/** The parts of the daemon that the page shows and acts on. */
export interface UiOptions {
  operator: Operator;
  startRun: (asked: { from?: string; to?: string; kib?: string[] }, name: string) => Promise<RunAnswer>;
  /** Of the upstreams and the broker. */
  examination: SharedExamination;
  /** They outlive a reload. */
  sessions: Sessions;
  attempts: Attempts;
  http: { host: string; token?: Secret | undefined; viewToken?: Secret | undefined };
  timeZone: string;
  /** Where each value of the configuration comes from; the page shows no value. */
  settings: Pick<Loaded, "file" | "sources">;
  /** Where the page is reached: http://127.0.0.1:5000 */
  origin: () => string;
  log: Log;
}

/** Who looks, in which language, and when. */
export interface View {
  readonly words: UiWords;
  readonly times: Times;
  readonly session: Session;
  /** Whether it is pushed to a page that is open: upstreams are not asked again for it. */
  readonly isPush: boolean;
}

export type Markup = HtmlEscapedString | Promise<HtmlEscapedString>;

export interface Page {
  title: string;
  main: Markup;
  /** Whether it is pushed again when something changes. */
  isLive?: boolean;
  status?: 200 | 400 | 401 | 403 | 404 | 503;
}

export const isOperator = ({ session }: View): boolean => session.role === "operator";
