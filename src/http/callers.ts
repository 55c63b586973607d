import { CString, dlopen } from "bun:ffi";
import { untilTick } from "../util/turns/ticks.ts";

export interface CallersOptions {
  /** Of the port that they call. */
  port: number;
  /** Is told that there were too many, once a minute. */
  say: (text: string) => void;
}

/** Nobody needs more connections to one daemon. */
const maxCallers = 256;
/** n.b. Each look wakes the process, which costs more than what it does. */
const [everyMs, hurriedMs, sayEveryMs] = [5_000, 20, 60_000];
/** Where so few may be open, they could all be taken between two looks: then every second. */
const [fewDescriptors, oftenMs] = [16_384, 1_000];
/** After the last connection that was ended: whoever takes descriptors comes back at once. */
const hurriesForMs = 5_000;
const [openFiles, bothWays] = [7, 2];
const [ipv4, ipv6] = [2, 10];
/** Of a `struct dirent`, where the name begins. */
const nameOffset = 19;

const openLibc = () =>
  dlopen("libc.so.6", {
    getrlimit: { args: ["int", "ptr"], returns: "int" },
    opendir: { args: ["ptr"], returns: "ptr" },
    rewinddir: { args: ["ptr"], returns: "void" },
    readdir: { args: ["ptr"], returns: "ptr" },
    closedir: { args: ["ptr"], returns: "int" },
    getsockname: { args: ["int", "ptr", "ptr"], returns: "int" },
    getpeername: { args: ["int", "ptr", "ptr"], returns: "int" },
    shutdown: { args: ["int", "int"], returns: "int" },
  });

/** A connection, and the port at its other end. */
type Open = { descriptor: number; port: number };

/**
 * Keeps the descriptors that the work needs from callers who only hold a connection: they have a quarter of what this
 * process may open, and beyond that the oldest connections are ended, first those without a request in progress.
 * n.b. Bun's server neither counts connections nor ends one that has not sent a request, so this asks libc.
 */
export class Callers implements Disposable {
  readonly #libc = openLibc();
  /** Opened once: where no descriptor is left, it could not be opened. */
  readonly #folder = this.#libc.symbols.opendir(Buffer.from("/proc/self/fd\0"));
  readonly #max: number;
  readonly #everyMs: number;
  /** The oldest first. */
  #open = new Map<string, Open>();
  /** Ports at the other end of connections with a request in progress. */
  readonly #busy = new Set<number>();
  #timer: ReturnType<typeof setTimeout>;
  #lastEndedAt = Number.NEGATIVE_INFINITY;
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(readonly options: CallersOptions) {
    const limits = new BigUint64Array(2);
    this.#libc.symbols.getrlimit(openFiles, limits);
    const most = Number(limits[0]);
    this.#max = Math.max(8, Math.min(maxCallers, Math.floor(most / 4)));
    this.#everyMs = most < fewDescriptors ? oftenMs : everyMs;
    this.#timer = this.#lookIn(this.#everyMs);
  }

  /** A request from this port has arrived completely, or was answered. */
  mark(port: number, isBusy: boolean): void {
    if (isBusy) this.#busy.add(port);
    else this.#busy.delete(port);
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    if (this.#folder !== null) this.#libc.symbols.closedir(this.#folder);
    this.#libc.close();
  }

  #look(): void {
    const now = performance.now();
    if (this.#endOldest()) {
      if (now - this.#saidAt >= sayEveryMs) this.#say(now);
      this.#lastEndedAt = now;
    }
    const isHurried = now - this.#lastEndedAt < hurriesForMs;
    this.#timer = this.#lookIn(isHurried ? hurriedMs : this.#everyMs);
  }

  /** It keeps nothing running: the port does. */
  #lookIn(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => this.#look(), untilTick(ms)).unref();
  }

  #say(now: number): void {
    this.#saidAt = now;
    const { port, say } = this.options;
    say(`port ${port} had over ${this.#max} connections: the oldest were closed, so that the work can open its own`);
  }

  #endOldest(): boolean {
    const descriptors = this.#descriptors();
    if (descriptors.length <= this.#max) return false;
    const found = new Map(descriptors.flatMap((descriptor) => this.#callerAt(descriptor)));
    const known = [...this.#open].filter(([name]) => found.has(name));
    this.#open = new Map([...known, ...found]);
    const open = [...this.#open.values()];
    const ports = new Set(open.map(({ port }) => port));
    for (const port of this.#busy) if (!ports.has(port)) this.#busy.delete(port);
    const isBusy = ({ port }: Open) => Number(this.#busy.has(port));
    const excess = open
      .sort((one, other) => isBusy(one) - isBusy(other))
      .slice(0, Math.max(0, open.length - this.#max));
    for (const { descriptor } of excess) this.#libc.symbols.shutdown(descriptor, bothWays);
    return excess.length > 0;
  }

  /** All that this process has open. */
  #descriptors(): number[] {
    const { rewinddir, readdir } = this.#libc.symbols;
    const found: number[] = [];
    if (this.#folder === null) return found;
    rewinddir(this.#folder);
    for (let entry = readdir(this.#folder); entry !== null; entry = readdir(this.#folder)) {
      const name = new CString(entry, nameOffset).toString();
      if (/^\d+$/.test(name)) found.push(Number(name));
    }
    return found;
  }

  /** Nothing where the descriptor is something else than a connection to our port. */
  #callerAt(descriptor: number): [name: string, Open][] {
    const { getsockname, getpeername } = this.#libc.symbols;
    if (portOf(getsockname, descriptor) !== this.options.port) return [];
    const port = portOf(getpeername, descriptor);
    return port === undefined ? [] : [[`${descriptor} ${port}`, { descriptor, port }]];
  }
}

type NameOf = (descriptor: number, address: Uint8Array, length: Uint32Array) => number;

/** Of a TCP socket. */
function portOf(nameOf: NameOf, descriptor: number): number | undefined {
  const address = new Uint8Array(28);
  if (nameOf(descriptor, address, new Uint32Array([address.length])) !== 0) return undefined;
  const view = new DataView(address.buffer);
  const family = view.getUint16(0, true);
  return family === ipv4 || family === ipv6 ? view.getUint16(2) : undefined;
}
