import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Simulators } from "../../src/simulator/start.ts";
import type { Disk } from "../support/disk.ts";
import { temporaryFolder } from "../support/leaks.ts";
import type { Sample } from "../support/prometheus.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

export interface VictimOptions {
  simulators: Simulators;
  /** RabbitMQ's address, or the embedded queue where it is missing. */
  broker?: string | undefined;
  queueType?: "classic" | "quorum" | undefined;
  disk?: Disk | undefined;
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

/** A site whose daemon is killed and started again, and all that it ever said. */
export class Victim implements AsyncDisposable {
  /** Logs of all its lives; the last that each of them answered to each question. */
  readonly output: string[] = [];
  readonly #answers = new Map<string, string>();
  #isAlive = false;
  /** Calls of HikCentral that former lives made, by name and code. */
  readonly #met = new Map<string, number>();

  private constructor(
    readonly site: Site,
    /** Holds by how much its clock is off. */
    readonly offset: string,
  ) {}

  static async start({ simulators, broker, queueType, disk }: VictimOptions): Promise<Victim> {
    const own = temporaryFolder();
    const [clock, offset] = [join(own, "clock.cjs"), join(own, "offset")];
    writeFileSync(clock, clockSource(offset));
    const env = {
      BUN_OPTIONS: `--preload=${clock}`,
      HIKCENTRAL_TIMEOUT: "1s",
      // Its clock may be two days ahead.
      HIKCENTRAL_VALID_FROM: "2026-01-01",
      EPOSH_PAGE_SIZE: "2",
      // Nobody's are used up: one person alone at work meets all of a spell's faults, but none lasts longer than the last.
      BROKER_RETRY_DELAYS: "100ms,200ms,400ms,800ms,1600ms,2s,3s",
      LOG_FORMAT: "json",
      ...(queueType && { BROKER_QUEUE_TYPE: queueType }),
    };
    // Its broker may be away when it is started again.
    const options = { simulators, broker, env, start: false, mayWait: true } as const;
    const place = disk && { folder: disk.folder, enter: disk.enter };
    const victim = new Victim(await startSite({ as: "binary", ...options, ...place }), offset);
    await victim.start();
    return victim;
  }

  async start(): Promise<void> {
    await this.site.start();
    this.#isAlive = true;
  }

  async kill(): Promise<void> {
    // Its own count of what it met ends with it.
    const last = await Promise.race([this.#ended(), Bun.sleep(3_000)]).catch(() => undefined);
    await this.site.kill();
    for (const [call, count] of last ?? []) this.#met.set(call, (this.#met.get(call) ?? 0) + count);
    this.#bury();
  }

  /** Resolves with its exit code. */
  async stop(): Promise<number> {
    const exit = await this.site.stop();
    this.#bury();
    return exit;
  }

  /** Sets its clock apart from ours. */
  setClock(offsetMs: number): void {
    writeFileSync(this.offset, String(offsetMs));
  }

  /** Whether it has said something in the last second with a time that is so far from ours. */
  saysTimeOff(offsetMs: number): boolean {
    const [, time = ""] = /"time":"([^"]+)"[^\n]*\n$/.exec(this.site.output()) ?? [];
    return Math.abs(Date.parse(time) - Date.now() - offsetMs) < 2_000;
  }

  /** How many calls of HikCentral ended with one of these codes, by the daemon's own count. */
  met(...codes: string[]): Promise<number> {
    return this.metIn("", ...codes);
  }

  /** The same of calls whose name ends so. */
  async metIn(call: string, ...codes: string[]): Promise<number> {
    const now = await this.#ended().catch(() => new Map<string, number>());
    const isMeant = (ended: string) => codes.some((code) => ended.endsWith(`${call} ${code}`));
    return [...this.#met, ...now].reduce((sum, [ended, count]) => (isMeant(ended) ? sum + count : sum), 0);
  }

  /** How often it logged this. */
  said(pattern: RegExp): number {
    const texts = [...this.output, this.#isAlive ? this.site.output() : ""];
    return texts.reduce((sum, text) => sum + (text.match(new RegExp(pattern, "g"))?.length ?? 0), 0);
  }

  async get(path: string): Promise<Record<string, unknown>> {
    const { body } = await this.site.get(path);
    this.#answers.set(path, JSON.stringify(body));
    return body;
  }

  async post(path: string, body: unknown): Promise<Record<string, unknown>> {
    const answer = await this.site.post(path, body);
    this.#answers.set(path, JSON.stringify(answer.body));
    return answer.body;
  }

  /** All that it shows of its letters, runs and of one employee, over HTTP and as commands. */
  async showAll(nik: string): Promise<void> {
    await Promise.all(["/status", "/readyz", "/runs", "/nothing"].map((path) => this.get(path)));
    const { groups } = (await this.get("/dead")) as { groups: { ids: string[] }[] };
    const ids = groups.flatMap(({ ids }) => ids);
    for (const id of ids) await this.get(`/dead/${id}`);
    await this.post("/trace", { key: nik });
    for (const command of ["status", "dead list", `dead show ${ids[0]}`, "runs", `trace ${nik}`, "check"]) {
      const { out, err } = await this.site.cli(command);
      this.output.push(out, err);
    }
  }

  async metrics(): Promise<Sample[]> {
    const samples = await this.site.metrics();
    this.#answers.set("/metrics", JSON.stringify(samples));
    return samples;
  }

  /** Starts a run, however often it takes, and resolves with its id. One that began unheard is waited for: it had fewer people. */
  async trigger(dates: object): Promise<string> {
    const triggered = async () => {
      const { status, body } = await this.site.trigger(dates, { prefer: "respond-async" });
      return status === 202 && String(body.run);
    };
    return await until(triggered, { timeoutMs: 120_000, everyMs: 50, what: "the trigger to be accepted" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _site = this.site;
    if (this.#isAlive) await this.kill();
  }

  /** By name and code. n.b. Many times a second: to parse all of /metrics each time would be most of a storm's work. */
  async #ended(): Promise<Map<string, number>> {
    const text = await (await this.site.fetch("/metrics")).text();
    this.#answers.set("/metrics", text);
    const calls = /^hikvision_sync_hikcentral_call_seconds_count\{(.*)\} (\d+)$/gm;
    const label = (name: string, labels: string) => new RegExp(`\\b${name}="([^"]*)"`).exec(labels)?.[1] ?? "";
    return new Map(
      [...text.matchAll(calls)].map(([, labels = "", count]) => [
        `${label("call", labels)} ${label("code", labels)}`,
        Number(count),
      ]),
    );
  }

  #bury(): void {
    this.#isAlive = false;
    this.output.push(this.site.output(), ...this.#answers.values());
    this.#answers.clear();
  }
}
