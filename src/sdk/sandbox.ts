import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as v from "valibot";
import type { Headers } from "../broker/broker.ts";
import { createClients } from "../clients.ts";
import { readConfig, siteOf } from "../config/load.ts";
import { noPersonMemory } from "../ledger/person-memory.ts";
import { noPhotoHistory } from "../ledger/photos/history.ts";
import { noRecordMemory } from "../ledger/unchanged.ts";
import { createLog } from "../observability/log.ts";
import { builtins } from "../registry/builtin.ts";
import { builtIn, type RegisteredStage } from "../registry/registry.ts";
import { type Call, instead, serve } from "../simulator/fault-server.ts";
import { type Simulators, startSimulators } from "../simulator/start.ts";
import type { Stage } from "../stage.ts";
import { type Execution, execute } from "./execute.ts";

/** A web server for a stage that calls a system of the site. It answers 200 until `answer` is replaced. */
export interface SandboxUpstream {
  readonly url: string;
  readonly requests: Call[];
  answer: (call: Call) => Response | Promise<Response>;
  /** `set` replaces what goes wrong, e.g. `{ kind: "reset", times: 1 }`; `seen` counts what did. */
  readonly faults: Simulators["eposh"]["faults"];
}

export interface ExecuteOptions {
  /** As `[stages.NAME]` would give them. */
  options?: Record<string, unknown>;
  /** Without it: what the earlier stages make of the first employee of the simulated Eposh. */
  message?: unknown;
  /** As if it had been delivered before. */
  again?: boolean;
  signal?: AbortSignal;
}

/** A simulated site with three employees to try a stage on. Nothing leaves this machine. */
export interface Sandbox extends AsyncDisposable {
  readonly hikcentral: Simulators["hikcentral"];
  readonly eposh: Simulators["eposh"];
  readonly upstream: SandboxUpstream;
  /** All that was logged so far, unmasked. */
  readonly log: () => string;
  /** Runs the stage once, as the daemon would. */
  execute(stage: Stage, options?: ExecuteOptions): Promise<Execution>;
  /** Runs what a stage handed over to stages that follow it. */
  follow(execution: Execution): Promise<void>;
  /** The message that `pass` takes unless it is given one. */
  messageFor(stage: Stage): Promise<unknown>;
}

export interface SandboxOptions {
  /** Other stages of the site, before or after the one that is tried. */
  stages?: readonly Stage[];
}

/** A sandbox shows what should not have been printed. */
export const unmasked = Object.assign((text: string) => text, { hide: () => {} });

export const builtinStage = (name: string): Stage | undefined =>
  Object.values(builtins).find((one) => one.name === name);

/** Everything here answers in milliseconds, on a busy machine in seconds: a stage that takes longer hangs. */
const patienceMs = 20_000;

const now = () => new Date("2026-01-19T08:00:00+07:00");

export async function openSandbox({ stages = [] }: SandboxOptions = {}): Promise<Sandbox> {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-sandbox-"));
  opened.defer(() => rmSync(folder, { recursive: true, force: true }));
  const simulators = opened.use(await startSimulators({ people: 3 }));
  const requests: Call[] = [];
  const upstream = opened.use(
    await serve(
      {},
      (call) => {
        requests.push(call);
        return own.answer(call);
      },
      () => ({ requests }),
    ),
  );
  const own: SandboxUpstream = {
    url: upstream.origin,
    requests,
    answer: () => new Response(),
    faults: upstream.faults,
  };
  const env = { ...simulators.env, STATE_FOLDER: folder };
  const { config } = readConfig({ env, defaultFile: "/nonexistent" });
  let output = "";
  const write = (text: string) => {
    output += text;
  };
  const log = createLog({ level: "debug", mask: unmasked, write });
  const clients = opened.use(createClients(config, log));

  const all = new Map<string, Stage>([...Object.values(builtins), ...stages].map((stage) => [stage.name, stage]));
  const arrived = new Map<string, { message: unknown; headers: Headers }>();

  /** Through every stage before it, with the options that those have by default. */
  async function arrive(stage: Stage): Promise<{ message: unknown; headers: Headers }> {
    const known = arrived.get(stage.name);
    if (known) return known;
    const before = all.get(stage.after ?? stage.follows ?? "");
    // What a stage hands over is what it cannot finish now.
    if (stage.follows) simulators.eposh.faults.set(instead("no photo yet", "", { status: 503, match: "/photos/" }));
    const [date] = [...simulators.eposh.days].find(([, people]) => people.length > 0) ?? [];
    if (before === undefined && stage.queue !== builtins.induction.queue)
      throw new Error(`the message of ${stage.name} is unknown: export an example with a message from its test`);
    const first = { message: { run: "sandbox", dates: [date], limit: 1 }, headers: { "hs-run": "sandbox" } };
    const made = before ? await run(before, await arrive(before)) : { returned: [first], followUps: [], text: "" };
    if (stage.follows) simulators.eposh.faults.set();
    const { text } = made;
    // What is handed over is the message itself; where there was no need to, it is the same one.
    const [next] = !stage.follows ? made.returned : [...made.followUps, ...(before ? [await arrive(before)] : [])];
    if (!next)
      throw new Error(`${before?.name} made no message for ${stage.name} (${text}): export an example with a message`);
    arrived.set(stage.name, next);
    return next;
  }

  async function run(
    stage: Stage,
    { message, headers }: { message: unknown; headers: Headers },
    more: ExecuteOptions = {},
  ) {
    const successors = [...all.values()].filter(({ after }) => after === stage.name);
    const followers = [...all.values()].filter(({ follows }) => follows === stage.name);
    const body = typeof message === "string" ? message : JSON.stringify(message);
    return execute(registered(stage, more.options, successors, followers), body, {
      clients: (signal) => ({
        hikcentral: clients.hikcentral.for(signal),
        eposh: clients.eposh.for(signal),
        photo: { ...clients.photos.for(signal), ...noPhotoHistory },
        memory: noPersonMemory,
        records: noRecordMemory,
        site: siteOf(config, "2026-01-19"),
      }),
      log,
      headers,
      now,
      ...(more.again && { again: true }),
      signal: AbortSignal.any([AbortSignal.timeout(patienceMs), ...(more.signal ? [more.signal] : [])]),
    });
  }

  const open = opened.move();
  return {
    ...simulators,
    upstream: own,
    log: () => output,
    messageFor: async (stage) => (await arrive(stage)).message,
    async execute(stage, options = {}) {
      const { headers } = "message" in options ? { headers: { "hs-run": "sandbox" } } : await arrive(stage);
      const message = "message" in options ? options.message : (await arrive(stage)).message;
      return run(stage, { message, headers }, options);
    },
    async follow({ followUps }) {
      for (const { stage: name, ...handed } of followUps) {
        const follower = all.get(name);
        if (follower) await run(follower, handed);
      }
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}

function registered(
  stage: Stage,
  given: Record<string, unknown> = {},
  successors: readonly Stage[] = [],
  followers: readonly Stage[] = [],
): RegisteredStage {
  const options = stage.options ? v.safeParse(stage.options, given) : undefined;
  if (options && !options.success) {
    const wrong = options.issues.map((issue) => v.getDotPath(issue) ?? "they").join(", ");
    throw new Error(`the options of ${stage.name} are wrong at ${wrong}: export an example with options from its test`);
  }
  return {
    stage,
    origin: builtIn,
    options: options?.output ?? {},
    concurrency: 1,
    enabledHere: true,
    successors: successors.map((next) => ({ ...registered({ ...next, options: undefined }), stage: next })),
    followers: followers.map((next) => ({ ...registered({ ...next, options: undefined }), stage: next })),
  };
}
