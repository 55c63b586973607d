import { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Outcome } from "../errors.ts";

const prefix = "hikvision_sync_";
const seconds = [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100, 300];

/** Values that are read only when /metrics is asked for. */
export interface Gauges {
  stages: readonly { stage: string; inFlight: number; lastTakenAt: Date | undefined }[];
  /** Whether the stage waits for the upstream. */
  paused: readonly { upstream: string; stage: string; isPaused: boolean }[];
  /** Ready messages by queue. */
  depths: ReadonlyMap<string, number>;
  /** Open cases by code. */
  cases: ReadonlyMap<string, number>;
  now: Date;
}

const maxCodes = 200;

/** Keeps the values of a label few and plain, whatever codes stages and upstreams use. */
class Codes {
  readonly #seen = new Set<string>();

  label(code: string): string {
    if (this.#seen.has(code)) return code;
    if (this.#seen.size >= maxCodes || !/^(?!.*\d{12})\w{1,60}$/.test(code)) return "other";
    this.#seen.add(code);
    return code;
  }
}

/** Everything that /metrics shows. Labels never hold a name, a text, or a number of a person. */
export class Metrics {
  readonly #registry = new Registry();
  readonly #deliveries = this.#counter("deliveries_total", "Messages handed to a stage, by what became of them.", [
    "stage",
    "outcome",
  ]);
  readonly #attempts = this.#counter(
    "attempts_total",
    "Attempts that failed and were charged to their message; an outage charges nobody.",
    ["stage"],
  );
  readonly #dead = this.#counter("dead_letters_total", "Messages that became dead letters here.", ["stage", "code"]);
  readonly #stageSeconds = this.#histogram("stage_seconds", "From taking a message until it is settled.", ["stage"]);
  readonly #callSeconds = this.#histogram(
    "hikcentral_call_seconds",
    "Calls of HikCentral, by its code or the word for a transport failure.",
    ["call", "code"],
  );
  readonly #people = this.#counter("people_done_total", "Times that an employee came through the last stage here.");
  readonly #warnings = this.#counter("warnings_total", "Warnings about persons.", ["code"]);
  readonly #overwrites = this.#counter("overwrites_total", "What was replaced of persons known to HikCentral.", [
    "what",
  ]);
  readonly #inFlight = this.#gauge("in_flight", "Messages in progress.", ["stage"]);
  readonly #depth = this.#gauge("queue_depth", "Messages ready in a queue.", ["queue"]);
  readonly #cases = this.#gauge("cases_open", "Open problems of records: dead letters and warnings.", ["code"]);
  readonly #lastTaken = this.#gauge(
    "last_taken_age_seconds",
    "Since the stage last took a message; nothing until it took one.",
    ["stage"],
  );
  readonly #paused = this.#gauge("paused", "1 while a stage takes no work.", ["upstream", "stage"]);
  readonly #codes = new Codes();

  /** Each of these stages shows zeros from the start. */
  constructor(stages: readonly string[]) {
    for (const stage of stages) {
      this.#attempts.inc({ stage }, 0);
      this.#deliveries.inc({ stage, outcome: "done" }, 0);
    }
  }

  passed(stage: string, outcome: Outcome, ms: number): void {
    this.#deliveries.inc({ stage, outcome });
    this.#stageSeconds.observe({ stage }, ms / 1000);
  }

  charged(stage: string, code: string, isDead: boolean): void {
    this.#attempts.inc({ stage });
    if (isDead) this.#dead.inc({ stage, code: this.#codes.label(code) });
  }

  warned(code: string): void {
    this.#warnings.inc({ code: this.#codes.label(code) });
  }

  overwrote(what: string): void {
    this.#overwrites.inc({ what });
  }

  personDone(): void {
    this.#people.inc();
  }

  readonly called = ({ call, code, ms }: { call: string; code: string; ms: number }): void =>
    this.#callSeconds.observe({ call, code: this.#codes.label(code) }, ms / 1000);

  /** In Prometheus' text format. */
  async text({ stages, paused, depths, cases, now }: Gauges): Promise<string> {
    for (const gauge of [this.#inFlight, this.#depth, this.#cases, this.#lastTaken, this.#paused]) gauge.reset();
    for (const { stage, inFlight, lastTakenAt } of stages) {
      this.#inFlight.set({ stage }, inFlight);
      if (lastTakenAt) this.#lastTaken.set({ stage }, (now.getTime() - lastTakenAt.getTime()) / 1000);
    }
    for (const { upstream, stage, isPaused } of paused) {
      this.#paused.set({ upstream: this.#codes.label(upstream), stage }, Number(isPaused));
    }
    for (const [queue, ready] of depths) this.#depth.set({ queue }, ready);
    for (const [code, count] of cases) this.#cases.inc({ code: this.#codes.label(code) }, count);
    return this.#registry.metrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  #of<Label extends string>(name: string, help: string, labelNames: Label[]) {
    return { registers: [this.#registry], name: prefix + name, help, labelNames };
  }

  #counter<Label extends string>(name: string, help: string, labels: Label[] = []) {
    return new Counter(this.#of(name, help, labels));
  }

  #gauge<Label extends string>(name: string, help: string, labels: Label[]) {
    return new Gauge(this.#of(name, help, labels));
  }

  #histogram<Label extends string>(name: string, help: string, labels: Label[]) {
    return new Histogram({ ...this.#of(name, help, labels), buckets: seconds });
  }
}
