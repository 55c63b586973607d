import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Simulators } from "../../src/simulator/simulators.ts";
import { type DaemonProcess, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { parsePrometheus, type Sample } from "../support/prometheus.ts";
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
  /** Logs of all its lives, metrics, answers. */
  readonly output: string[] = [];
  readonly #env: Readonly<Record<string, string>>;
  readonly #offset: string;
  readonly #enter: readonly string[];
  #life: DaemonProcess | undefined;

  constructor({ simulators, brokerUrl, folder = temporaryFolder(), enter = [], env }: VictimOptions) {
    this.folder = folder;
    this.#enter = enter;
    const clock = temporaryFolder();
    this.#offset = join(clock, "offset");
    writeFileSync(join(clock, "clock.cjs"), clockSource(this.#offset));
    this.#env = {
      ...simulators.env,
      ...(brokerUrl && { BROKER_URL: brokerUrl }),
      BUN_OPTIONS: `--preload=${join(clock, "clock.cjs")}`,
      HIKCENTRAL_CONCURRENCY: "8",
      HIKCENTRAL_TIMEOUT: "1s",
      EPOSH_PAGE_SIZE: "2",
      BROKER_RETRY_DELAYS: "100ms,200ms,400ms,800ms,1600ms",
      LOG_FORMAT: "json",
      ...env,
    };
  }

  get life(): DaemonProcess {
    if (this.#life === undefined) throw new Error("the daemon is not running");
    return this.#life;
  }

  /** Whether it is still the process that it was. */
  isLife(pid: number): boolean {
    return this.#life?.pid === pid;
  }

  async start(): Promise<void> {
    this.#life = await startDaemon(this.#env, this.folder, [], this.#enter);
  }

  /** False where it was over already. */
  async kill(): Promise<void> {
    const { life } = this;
    await life.kill();
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

  async get(path: string): Promise<Record<string, unknown>> {
    const { body } = await this.life.get(path);
    this.output.push(JSON.stringify(body));
    return body;
  }

  async post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await fetch(`${this.life.url}${path}`, { method: "POST", body: JSON.stringify(body) });
    return (await answer.json()) as Record<string, unknown>;
  }

  async metrics(): Promise<Sample[]> {
    const text = await (await fetch(`${this.life.url}/metrics`)).text();
    this.output.push(text);
    return parsePrometheus(text);
  }

  /** Starts a run, however often it takes, and resolves with its id. */
  async trigger(): Promise<string> {
    const triggered = async () => {
      const { status, body } = await this.life.trigger(undefined, { prefer: "respond-async" });
      return (status === 202 || status === 409) && String(body.run);
    };
    return await until(triggered, { timeoutMs: 30_000, everyMs: 50, what: "the trigger to be accepted" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#life !== undefined) await this.kill();
  }

  #bury(life: DaemonProcess): void {
    this.#life = undefined;
    this.output.push(life.output());
  }
}
