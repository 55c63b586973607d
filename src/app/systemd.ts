import { dlopen, ptr } from "bun:ffi";
import { setTimeout as sleep } from "node:timers/promises";
import type { Broker } from "../broker/broker.ts";
import { depthsOf, unreachableOf } from "../broker/known-queues.ts";
import type { Clients } from "../clients.ts";
import type { Pipeline } from "../pipeline/pipeline.ts";
import { deadQueueOf } from "../pipeline/retry/queues.ts";
import { isNewHalfMinute, untilTick } from "../util/turns/ticks.ts";

/** Sends states to systemd, see sd_notify(3): `READY=1`, `STATUS=…`, `WATCHDOG=1`, `RELOADING=1`, `STOPPING=1`. */
export type Notify = (...states: readonly string[]) => void;

/** The parts of a daemon that are watched. */
export interface Supervised {
  readonly pipeline: Pipeline;
  readonly broker: Broker;
  readonly clients: Clients;
}

export interface SupervisionOptions {
  notify: Notify;
  /** How the times in STATUS are written. */
  timeZone: string;
  /** $WATCHDOG_USEC; 0 without a watchdog. */
  watchdogMs: number;
  everyMs?: number;
}

/** How much less often a status is looked at that is as it was. */
const calmTimes = 5;

/**
 * Reports to systemd until disposed of: READY once the stages take messages, STATUS with the live state, WATCHDOG while
 * the event loop turns and no stage is stalled.
 */
export function supervise(daemon: Supervised, options: SupervisionOptions): Disposable {
  const { notify, timeZone, watchdogMs, everyMs = 2_000 } = options;
  const stop = new AbortController();
  const { signal } = stop;
  const isStalled = () => daemon.pipeline.workers.some(({ stalledMs }) => stalledMs !== undefined);
  // Three signals in one period: an event loop that was late once is not dead.
  const feeder = watchdogMs > 0 ? setInterval(() => isStalled() || notify("WATCHDOG=1"), watchdogMs / 3) : undefined;
  let [told, isNews] = ["", true];
  let [counts, countedAt] = [[] as string[], -Infinity];
  /** Costs a question for each queue. Where nothing happens here, only others add to them: then it is seldom asked. */
  const count = async () => {
    const { broker, pipeline } = daemon;
    if (isNews || pipeline.inFlight > 0 || broker.state !== "up" || isNewHalfMinute(countedAt)) {
      countedAt = performance.now();
      counts = await countsOf(daemon);
    }
    return counts;
  };
  const tell = async (...states: string[]) => {
    const status = await statusOf(daemon, timeZone, count);
    if (!signal.aborted) notify(...states, `STATUS=${status}`);
    isNews = status !== told;
    told = status;
  };
  const pause = (ms: number) => sleep(ms, undefined, { signal }).catch(() => {});
  const keepTelling = async () => {
    const isReady = () => daemon.broker.state === "up" && isWorking(daemon);
    // The embedded queue is ready at once.
    for (let looks = 0; !isReady() && !signal.aborted; await pause(looks < 100 ? 1 : 20))
      if (looks++ % 100 === 0) await tell();
    // While nothing changes the status is looked at less often.
    for (await tell("READY=1"); !signal.aborted; await tell())
      await pause(isNews ? everyMs : untilTick(everyMs * calmTimes));
  };
  void keepTelling();
  return {
    [Symbol.dispose]() {
      stop.abort();
      clearInterval(feeder);
    },
  };
}

/** n.b. A stage whose queue cannot be reached must not have systemd start the daemon again and again. */
const isWorking = ({ broker, pipeline }: Supervised) =>
  pipeline.workers.every(({ state, registered }) => state.hasStarted || broker.unreachable.has(registered.stage.queue));

const proper: Readonly<Record<string, string>> = { hikcentral: "HikCentral", eposh: "Eposh" };

/** `7 stages · 12 waiting · 1 dead · HikCentral down since 02:14` */
async function statusOf(daemon: Supervised, timeZone: string, count: () => Promise<string[]>): Promise<string> {
  const { broker, pipeline, clients } = daemon;
  if (broker.state === "connecting") return `${broker.label} cannot be reached: ${broker.trouble ?? "connecting"}`;
  if (!isWorking(daemon)) return "starting";
  const since = (at: Date | undefined) =>
    at ? ` since ${at.toLocaleTimeString("en-GB", { timeZone, hour: "2-digit", minute: "2-digit" })}` : "";
  const parts = [`${pipeline.workers.length} stages`, ...(await count())];
  const unreachable = unreachableOf(broker).length;
  if (unreachable > 0) parts.push(`${unreachable} queues cannot be reached`);
  if (broker.state === "blocked") parts.push(`${broker.label} blocked`);
  for (const { name, state, downSince } of clients.breakers.values())
    if (state === "down") parts.push(`${proper[name] ?? name} down${since(downSince)}`);
  for (const { registered, state, stalledMs } of pipeline.workers) {
    const { pause } = state;
    if (stalledMs !== undefined) parts.push(`${registered.stage.name} stalled`);
    if (pause && pause.reason !== "outage")
      parts.push(`${registered.stage.name} paused${since(state.since)} (${pause.code})`);
  }
  return parts.join(" · ");
}

async function countsOf({ broker, pipeline }: Supervised): Promise<string[]> {
  const depths = await depthsOf(broker, pipeline.knownQueues);
  // A blocked or busy broker does not tell its depths.
  if (depths.size === 0) return [];
  let [waiting, dead] = [pipeline.inFlight, 0];
  for (const [queue, { ready }] of depths) {
    if (queue.endsWith(deadQueueOf(""))) dead += ready;
    else waiting += ready;
  }
  return [`${waiting} waiting`, `${dead} dead`];
}

const [unixFamily, datagram, closeOnExec, noSignal] = [1, 2, 0o2000000, 0x4000];

/**
 * Sends to the socket that $NOTIFY_SOCKET names (a path, or @ and an abstract name); does nothing without one. n.b.
 * Bun's node:dgram has no unix sockets, so this uses libc's.
 */
export function openNotify(address: string | undefined): Notify & Disposable {
  if (!address) return Object.assign(() => {}, { [Symbol.dispose]() {} });
  const libc = dlopen("libc.so.6", {
    socket: { args: ["int", "int", "int"], returns: "int" },
    sendto: { args: ["int", "ptr", "u64", "int", "ptr", "u32"], returns: "i64" },
    close: { args: ["int"], returns: "int" },
  });
  const { socket, sendto, close } = libc.symbols;
  const name = Buffer.from(address.replace(/^@/, "\0"));
  const to = Buffer.concat([new Uint8Array(new Uint16Array([unixFamily]).buffer), name]);
  const fd = socket(unixFamily, datagram | closeOnExec, 0);
  const notify: Notify = (...states) => {
    const text = Buffer.from(states.join("\n"));
    // The result is ignored: without READY and WATCHDOG systemd acts by itself.
    sendto(fd, ptr(text), text.length, noSignal, ptr(to), to.length);
  };
  const dispose = () => {
    close(fd);
    libc.close();
  };
  return Object.assign(notify, { [Symbol.dispose]: dispose });
}
