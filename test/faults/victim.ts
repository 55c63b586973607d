import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Simulators } from "../../src/simulator/start.ts";
import { type DaemonProcess, run, startDaemon } from "../support/daemon.ts";
import { parsePrometheus, type Sample, sumOf } from "../support/prometheus.ts";
import { until } from "../support/until.ts";

export interface VictimOptions {
  simulators: Simulators;
  /** RabbitMQ, or the embedded queue where it is missing. */
  brokerUrl?: string;
  folder?: string;
  /** What its command must begin with. */
  enter?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

/** Makes the clock of the daemon jump by what a file says, a few times a second. */
const clockSource = (file: string) => `
  const { readFileSync } = require("node:fs");
  const RealDate = Date;
  let offset = 0;
  setInterval(() => { try { offset = Number(readFileSync(${JSON.stringify(file)}, "utf8")) || 0; } catch {} }, 20).unref();
  globalThis.Date = class extends RealDate {
    constructor(...given) { given.length === 0 ? super(RealDate.now() + offset) : super(...given); }
    static now() { return RealDate.now() + offset; }
  };`;

/** A daemon that is killed and started again in one state folder, and all that it ever said. */
export class Victim implements AsyncDisposable {
  readonly folder: string;
  /** Logs of all its lives; the last that each of them answered to each question. */
  readonly output: string[] = [];
  readonly #answers = new Map<string, string>();
  readonly #own: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #offset: string;
  readonly #enter: readonly string[];
  #life: DaemonProcess | undefined;
  /** HikCentral's answers that former lives met, by code. */
  readonly #met = new Map<string, number>();

  constructor({ simulators, brokerUrl, folder, enter = [], env }: VictimOptions) {
    this.#own = mkdtempSync(join(tmpdir(), "hikvision-sync-victim-"));
    this.folder = folder ?? this.#own;
    this.#enter = enter;
    this.#offset = join(this.#own, "offset");
    const clock = join(this.#own, "clock.cjs");
    writeFileSync(clock, clockSource(this.#offset));
    this.#env = {
      ...simulators.env,
      ...(brokerUrl && { BROKER_URL: brokerUrl }),
      BUN_OPTIONS: `--preload=${clock}`,
      HIKCENTRAL_CONCURRENCY: "8",
      HIKCENTRAL_TIMEOUT: "1s",
      EPOSH_PAGE_SIZE: "2",
      // Nobody's are used up: one person alone at work meets all of a spell's faults, but none lasts longer than the last.
      BROKER_RETRY_DELAYS: "100ms,200ms,400ms,800ms,1600ms,2s,3s",
      LOG_FORMAT: "json",
      ...env,
    };
  }

  get life(): DaemonProcess {
    if (this.#life === undefined) throw new Error("the daemon is not running");
    return this.#life;
  }

  async start(): Promise<void> {
    this.#life = await startDaemon(this.#env, this.folder, [], this.#enter);
  }

  async kill(): Promise<void> {
    const { life } = this;
    // Its own count of what it met ends with it.
    const last = await Promise.race([this.#codes(), Bun.sleep(3_000)]).catch(() => undefined);
    await life.kill();
    for (const [code, count] of last ?? []) this.#met.set(code, (this.#met.get(code) ?? 0) + count);
    this.#bury(life);
  }

  /** Resolves with its exit code. */
  async stop(): Promise<number> {
    const { life } = this;
    const exit = await life.stop();
    this.#bury(life);
    return exit;
  }

  /** Sets its clock apart from ours. */
  setClock(offsetMs: number): void {
    writeFileSync(this.#offset, String(offsetMs));
  }

  /** Whether it has said something in the last second with a time that is so far from ours. */
  saysTimeOff(offsetMs: number): boolean {
    const [, time = ""] = /"time":"([^"]+)"[^\n]*\n$/.exec(this.life.output()) ?? [];
    return Math.abs(Date.parse(time) - Date.now() - offsetMs) < 2_000;
  }

  /** How many calls of HikCentral ended with one of these codes, by the daemon's own count. */
  async met(...codes: string[]): Promise<number> {
    const now = await this.#codes().catch(() => new Map<string, number>());
    return codes.reduce((sum, code) => sum + (this.#met.get(code) ?? 0) + (now.get(code) ?? 0), 0);
  }

  /** How often it logged this. */
  said(pattern: RegExp): number {
    const texts = [...this.output, this.#life?.output() ?? ""];
    return texts.reduce((sum, text) => sum + (text.match(new RegExp(pattern, "g"))?.length ?? 0), 0);
  }

  async get(path: string): Promise<Record<string, unknown>> {
    const { body } = await this.life.get(path);
    this.#answers.set(path, JSON.stringify(body));
    return body;
  }

  async post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.life.url}${path}`, { method: "POST", body: JSON.stringify(body) });
    const text = await answer.text();
    this.#answers.set(path, text);
    return JSON.parse(text) as Record<string, unknown>;
  }

  /** All that it shows of its letters, runs and of one employee, over HTTP and as commands. */
  async showAll(nik: string): Promise<void> {
    await Promise.all(["/status", "/readyz", "/runs", "/nothing"].map((path) => this.get(path)));
    const { groups } = (await this.get("/dead")) as { groups: { ids: string[] }[] };
    const ids = groups.flatMap(({ ids }) => ids);
    for (const id of ids) await this.get(`/dead/${id}`);
    await this.post("/trace", { key: nik });
    const env = { ...this.#env, STATE_FOLDER: this.folder, HTTP_PORT: new URL(this.life.url).port };
    const commands = [["status"], ["dead", "list"], ["dead", "show", `${ids[0]}`], ["runs"], ["trace", nik], ["check"]];
    for (const command of commands) {
      const { out, err } = await run([...command], env);
      this.output.push(out, err);
    }
  }

  async metrics(): Promise<Sample[]> {
    const text = await (await fetch(`${this.life.url}/metrics`)).text();
    this.#answers.set("/metrics", text);
    return parsePrometheus(text);
  }

  /** Starts a run, however often it takes, and resolves with its id. */
  async trigger(): Promise<string> {
    const triggered = async () => {
      const { status, body } = await this.life.trigger(undefined, { prefer: "respond-async" });
      return (status === 202 || status === 409) && String(body.run);
    };
    return await until(triggered, { timeoutMs: 120_000, everyMs: 50, what: "the trigger to be accepted" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life !== undefined) await this.kill();
    rmSync(this.#own, { recursive: true, force: true });
  }

  async #codes(): Promise<Map<string, number>> {
    const samples = await this.metrics();
    const name = "hikvision_sync_hikcentral_call_seconds_count";
    const codes = new Set(samples.flatMap((sample) => (sample.name === name ? [sample.labels.code ?? ""] : [])));
    return new Map([...codes].map((code) => [code, sumOf(samples, name, { code })]));
  }

  #bury(life: DaemonProcess): void {
    this.#life = undefined;
    this.output.push(life.output(), ...this.#answers.values());
    this.#answers.clear();
  }
}
