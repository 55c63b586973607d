import { afterAll } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Daemon, startDaemon } from "../../src/app/daemon.ts";
import { readConfig } from "../../src/config/load.ts";
import type { RunView } from "../../src/ledger/runs.ts";
import type { Entry } from "../../src/ledger/subjects.ts";
import { createLog } from "../../src/observability/log.ts";
import { createMask } from "../../src/observability/mask.ts";
import { builtinNames } from "../../src/registry/builtin.ts";
import { type SimulatorOptions, type Simulators, startSimulators } from "../../src/simulator/start.ts";
import { createDecoderPool } from "../../src/upstreams/decoder/decoder-pool.ts";
import { type Environment, type Life, run, spawnDaemon } from "./binary.ts";
import { mustClose } from "./leaks.ts";
import { messagesIn } from "./messages.ts";
import { deedsOf } from "./people.ts";
import { lightPortrait } from "./portraits.ts";
import { parsePrometheus, sumOf } from "./prometheus.ts";
import { placeOnRabbit, stopOwnNode } from "./rabbitmq.ts";
import { until } from "./until.ts";

export { budi } from "./people.ts";

afterAll(stopOwnNode, 40_000);
/** Of all daemons in this process: to start a decoder costs more than most tests. It ends with this process. */
const decoders = createDecoderPool();
export type Body = Record<string, unknown>;

export interface SiteOptions extends SimulatorOptions {
  /** Another site's, which does not end them; its own where missing, with nobody to induct unless `people` are. */
  simulators?: Simulators;
  /** Before the daemon starts, which reads HikCentral's set-up at once. */
  prepare?: (simulators: Simulators) => unknown;
  /** "embedded" where missing; "rabbitmq" is a virtual host of its own on the tests' node; all else an address. */
  broker?: string | undefined;
  /** As users run it: nothing is configured but addresses, keys, the port and the state folder. */
  defaults?: boolean;
  env?: Environment;
  /** The text of its config.toml. */
  config?: string;
  /** A state folder that is there before and after it. */
  folder?: string | undefined;
  /** What its commands must begin with, e.g. to be run in another name space. */
  enter?: readonly string[];
  /** Where it is false the daemon is started by `start`, once or often. */
  start?: boolean;
  /** A start ends when it listens, and not only when its stages take work. */
  mayWait?: boolean;
  holdForMs?: number;
}

/** What nobody wants to wait for in a test. */
const speededUp = { HIKCENTRAL_CONCURRENCY: "8", BROKER_RETRY_DELAYS: "20ms,40ms,60ms" };

/** Both simulators, a broker, and the daemon as the built program. */
export function startSite(options: SiteOptions & { as: "binary" }): Promise<Site>;
/** The same with the daemon in this process: it starts sooner, and tests can look into it. */
export function startSite(options?: SiteOptions & { as?: "in-process" }): Promise<InProcessSite>;
export async function startSite({ as, ...options }: SiteOptions & { as?: string } = {}): Promise<Site> {
  await using opened = new AsyncDisposableStack();
  const simulators =
    options.simulators ?? opened.use(await startSimulators({ people: 0, portrait: lightPortrait, ...options }));
  options.prepare?.(simulators);
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), "hikvision-sync-site-"));
  if (options.folder === undefined) opened.defer(() => rmSync(folder, { recursive: true }));
  // What is mounted for the daemon alone cannot be seen from here.
  const outside = options.enter && mkdtempSync(join(tmpdir(), "hikvision-sync-socket-"));
  if (outside) opened.defer(() => rmSync(outside, { recursive: true }));
  const { broker = "embedded" } = options;
  const address = broker === "rabbitmq" ? opened.use(await placeOnRabbit()).url : broker;
  const env = {
    ...simulators.env,
    ...(options.defaults ? {} : speededUp),
    ...(address !== "embedded" && { BROKER_URL: address }),
    STATE_FOLDER: folder,
    HTTP_PORT: "0",
    ...(outside && { HTTP_SOCKET: join(outside, "operator.sock") }),
    ...options.env,
  };
  const site = new (as === "binary" ? Site : InProcessSite)(simulators, folder, env, options, opened.move());
  try {
    if (options.config !== undefined) site.configure(options.config);
    if (options.start ?? true) await site.start();
  } catch (error) {
    await site[Symbol.asyncDispose]();
    throw error;
  }
  return site;
}

export interface Answer {
  status: number;
  headers: Headers;
  body: Body;
}

/** A readiness as /readyz gives it. */
export interface Ready {
  ready: boolean;
  broker: string;
  trouble: string | null;
  upstreams: Record<string, string>;
  stages: {
    name: string;
    queue: string;
    state: string;
    paused: string | null;
    waiting: number | null;
    inFlight: number;
  }[];
  unconsumed: { queue: string; ready: number }[];
}

export class Site implements AsyncDisposable {
  readonly hikcentral: Simulators["hikcentral"];
  readonly eposh: Simulators["eposh"];
  /** Successful writes at HikCentral and photos fetched, by their last word, since the last call of this. */
  readonly deeds: () => Record<string, number>;
  #life: Life | undefined;
  #isRunning = false;
  /** All that its commands printed. */
  printed = "";
  readonly #closed = mustClose(this, "a site");

  constructor(
    readonly simulators: Simulators,
    readonly folder: string,
    /** Of the daemon and of the commands. */
    readonly env: Environment & Simulators["env"],
    protected readonly options: SiteOptions,
    readonly opened: AsyncDisposable,
  ) {
    ({ hikcentral: this.hikcentral, eposh: this.eposh } = simulators);
    this.deeds = deedsOf(simulators);
  }

  /** The daemon that runs, or the last one that did. */
  protected get life(): Life {
    if (this.#life === undefined) throw new Error("this site has not had a daemon yet");
    return this.#life;
  }
  get url(): string {
    return this.life.url;
  }
  get pid(): number {
    return this.life.pid;
  }
  /** All that this daemon printed so far. */
  output = (): string => this.life.output();

  /** `changes` are for this life alone. */
  async start(changes: Environment = {}): Promise<void> {
    this.#life = await this.launch({ ...this.env, ...changes });
    this.#isRunning = true;
    const isWorking = () => this.output().includes("take work from");
    if (!this.options.mayWait) await until(isWorking, { what: "the stages to take work" });
  }

  /** SIGTERM; resolves with its exit code. */
  async stop(): Promise<number> {
    this.#isRunning = false;
    return await this.life.stop();
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#isRunning = false;
    await this.life.kill();
  }

  protected launch(env: Environment): Promise<Life> {
    const { config, enter = [] } = this.options;
    return spawnDaemon(env, { flags: config === undefined ? [] : ["--config", this.configFile], enter });
  }

  get configFile(): string {
    return join(this.folder, "config.toml");
  }
  configure(text: string): void {
    writeFileSync(this.configFile, text);
  }

  /** A command as an operator types it here; after the last daemon it finds nobody at its socket. */
  async cli(words: string | readonly string[], changes: Environment = {}) {
    const done = await run(words, { ...this.env, ...changes }, this.options.enter);
    this.printed += done.out + done.err;
    return { ...done, json: () => JSON.parse(done.out) };
  }

  /** Where operators are answered. */
  get socket(): string {
    return this.env.HTTP_SOCKET ?? join(this.folder, "operator.sock");
  }
  /** As whoever may ask: over the port what anybody may, all else over the operators' socket. */
  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const isOpen = /^\/(eposh-induction|livez|readyz|metrics|runs\/\w)/.test(path) && !path.endsWith("/cancel");
    if (!isOpen) return fetch(`http://localhost${path}`, { ...init, unix: this.socket });
    const token = this.env.HTTP_TOKEN;
    const headers = { ...(token && { authorization: `Bearer ${token}` }), ...(init.headers as Record<string, string>) };
    return fetch(this.url + path, { ...init, headers });
  }
  async call(path: string, init: RequestInit = {}): Promise<Answer> {
    const answer = await this.fetch(path, init);
    return { status: answer.status, headers: answer.headers, body: (await answer.json()) as Body };
  }
  get(path: string): Promise<Answer> {
    return this.call(path);
  }
  /** A body that is a text is sent as it is, anything else as JSON. */
  post(path: string, body?: unknown, headers: Record<string, string> = {}): Promise<Answer> {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    return this.call(path, { method: "POST", headers, ...(text !== undefined && { body: text }) });
  }
  trigger(body?: unknown, headers?: Record<string, string>): Promise<Answer> {
    return this.post("/eposh-induction", body, headers);
  }

  /** Starts a run that nobody waits for; resolves with how to look at it. */
  async begin(asked?: unknown) {
    const { status, body } = await this.trigger(asked, { prefer: "respond-async" });
    // 503 with a run: a busy RabbitMQ had not confirmed it in time, and the run starts once it has.
    if (status !== 202 && !(status === 503 && body.run))
      throw new Error(`the trigger answered ${status}: ${JSON.stringify(body)}`);
    const view = async () => (await this.get(`/runs/${body.run}`)).body as unknown as RunView;
    const isDone = async () => {
      const seen = await view();
      return seen.status === "done" && seen;
    };
    const patience = { timeoutMs: 110_000, everyMs: 50, what: "the run to be through" };
    return { id: String(body.run), view, through: () => until(isDone, patience) };
  }
  /** Triggers and waits until the run is through. */
  async induct(asked?: unknown): Promise<RunView> {
    return await (await this.begin(asked)).through();
  }

  async readyz(): Promise<Ready> {
    return (await this.get("/readyz")).body as unknown as Ready;
  }
  async stage(name: string): Promise<Ready["stages"][number] | undefined> {
    return (await this.readyz()).stages.find((one) => one.name === name);
  }
  /** Messages that wait at a stage or are in hand. */
  async left(): Promise<number> {
    return (await this.readyz()).stages.reduce((sum, { waiting, inFlight }) => sum + (waiting ?? 0) + inFlight, 0);
  }
  async metrics() {
    return parsePrometheus(await (await this.fetch("/metrics")).text());
  }
  async sum(name: string, labels?: Record<string, string>): Promise<number> {
    return sumOf(await this.metrics(), `hikvision_sync_${name}`, labels);
  }

  person(personCode: string) {
    return this.hikcentral.state().persons.find((one) => one.personCode === personCode);
  }
  /** Waits until all persons have one: a photo that takes longer than 3 s follows after the run is through. */
  async faces(): Promise<void> {
    await until(() => this.hikcentral.state().persons.every(({ hasFace }) => hasFace), { what: "all faces" });
  }
  /** Persons with a KIB number and access. */
  atTheGate() {
    return this.hikcentral.state().persons.filter(({ kib, groups }) => kib !== "" && groups.length > 0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await using _opened = this.opened;
    this.#closed();
    if (!this.#isRunning) return;
    const exit = await this.stop();
    if (exit !== 0) throw new Error(`the daemon ended with ${exit}:\n${this.output().slice(-2000)}`);
    const answer = await fetch(`${this.url}/livez`).catch(() => undefined);
    if (answer) throw new Error(`something still listens at ${this.url}`);
  }
}

/** What became of one message: "done" or a dead letter's code, and the warnings on its way, sorted. */
export interface Fate {
  end: string;
  warnings: string[];
}

let messages = 0;

export class InProcessSite extends Site {
  /** All that its ledger was told. */
  readonly entries: Entry[] = [];
  #daemon: Daemon | undefined;

  get daemon(): Daemon {
    if (this.#daemon === undefined) throw new Error("this site has not had a daemon yet");
    return this.#daemon;
  }

  protected override async launch(env: Environment): Promise<Life> {
    const file = this.options.config === undefined ? undefined : this.configFile;
    const loaded = readConfig({ env, file, defaultFile: "/nonexistent", stageNames: builtinNames });
    let output = "";
    const write = (text: string) => {
      output += text;
    };
    const log = createLog({ ...loaded.config.log, mask: createMask(loaded.secrets), write });
    const { holdForMs } = this.options;
    const daemon = await startDaemon({ loaded, log, decoders, ...(holdForMs !== undefined && { holdForMs }) });
    daemon.ledger.onRecord((recorded) => void this.entries.push(...recorded));
    this.#daemon = daemon;
    return {
      url: daemon.url,
      pid: process.pid,
      output: () => output,
      stop: () => daemon.stop().then(() => 0),
      kill: () => Promise.reject(new Error("this process cannot kill itself: start the site as the binary")),
    };
  }

  /** Puts a message on a queue and waits until its employee is through or dead. */
  async work(queue: string, body: unknown, headers: Record<string, string> = {}): Promise<Fate> {
    const id = headers["hs-id"] ?? `message-${++messages}`;
    const before = this.entries.length;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await this.daemon.broker.publish(queue, [{ body: text, headers: { "hs-id": id, ...headers } }]);
    const own = () => this.entries.slice(before).filter(({ item }) => item === id);
    const isLast = ({ outcome, stage }: Entry) =>
      outcome === "dead" || (outcome === "done" && stage === "assign-privilege");
    const last = await until(() => own().find(isLast), { what: `${id} to be through` }).catch((error: unknown) => {
      throw new Error(`${error}; ${JSON.stringify(own())}; ${this.output().slice(-1000)}`);
    });
    const warnings = own().flatMap(({ outcome, failure }) => (outcome === "warning" ? [failure?.code ?? ""] : []));
    return { end: last.outcome === "dead" ? (last.failure?.code ?? "") : "done", warnings: warnings.sort() };
  }

  /** Works an employee off as Eposh would have given them now. */
  employ(employee: Body, headers: Record<string, string> = {}): Promise<Fate> {
    const fetched = { "hs-fetched": new Date().toISOString() };
    return this.work("hikvision_create_person", { employee }, { ...fetched, ...headers });
  }

  /** The bodies that lie in a queue. */
  async bodies(queue: string): Promise<string[]> {
    const texts: string[] = [];
    for await (const { body } of messagesIn(this.daemon.broker, queue)) texts.push(new TextDecoder().decode(body));
    return texts;
  }
}
