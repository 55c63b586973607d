import type { Operator } from "../operator/operator.ts";
import type { Session, Sessions } from "./sessions.ts";

const maxStreams = 20;
const everyMs = 1_000;
/** What tells nobody of its change, such as the depth of a queue, is looked at so often. */
const lookEveryTicks = 5;
const beatEveryTicks = 10;
/** Of different pages; each costs some milliseconds. Of more than these each is shown less often. */
const maxRenders = 7;

export interface LivePage {
  /** Two streams with the same key show the same. */
  key: string;
  /** What the page shows now, as it is sent. */
  render: () => Promise<string>;
  session: Session;
  sessionId: string;
}

interface Stream extends LivePage {
  send: (event: string, data: string) => void;
  end: () => void;
  last: string | undefined;
}

/**
 * The event streams of the open pages. A page is rendered again when the ledger, a pause or the broker has changed, at most
 * once a second, and once for all who look at it; of many different pages each a little less often. Without streams nothing
 * listens and no timer runs.
 */
export class LivePages implements Disposable {
  readonly #streams = new Set<Stream>();
  #timer: ReturnType<typeof setInterval> | undefined;
  #stopListening = () => {};
  #isChanged = false;
  /** The keys of the pages that are to be rendered again, those that wait longest first. */
  readonly #due = new Set<string>();
  #isPushing = false;
  #ticks = 0;
  #states = "";

  constructor(
    readonly operator: Operator,
    readonly sessions: Sessions,
  ) {}

  /** Undefined where there are too many. */
  open(page: LivePage): Response | undefined {
    if (this.#streams.size >= maxStreams) return undefined;
    const encoder = new TextEncoder();
    let stream: Stream | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        const send = (event: string, data: string) =>
          controller.enqueue(encoder.encode(`event: ${event}\ndata: ${data}\n\n`));
        const end = () => controller.close();
        stream = { ...page, send, end, last: undefined };
        this.#add(stream);
      },
      cancel: () => this.#remove(stream),
    });
    return new Response(body, { headers: { "content-type": "text/event-stream", "cache-control": "no-store" } });
  }

  /** Ends all streams: the browsers come back to the next generation. */
  [Symbol.dispose](): void {
    for (const stream of [...this.#streams]) this.#end(stream);
  }

  #add(stream: Stream): void {
    this.#streams.add(stream);
    // A page that comes back after an outage is old: it is sent what there is now.
    void this.#push([stream]);
    if (this.#timer !== undefined) return;
    const changed = () => {
      this.#isChanged = true;
    };
    const { ledger, broker, running } = this.operator.options;
    const stops = [ledger.onRecord(changed), broker.onState(changed), running?.pipeline.onPause(changed)];
    this.#stopListening = () => {
      for (const stop of stops) stop?.();
    };
    this.#timer = setInterval(() => void this.#tick(), everyMs).unref();
  }

  #remove(stream: Stream | undefined): void {
    if (stream) this.#streams.delete(stream);
    if (this.#streams.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#stopListening();
  }

  #end(stream: Stream): void {
    try {
      stream.end();
    } catch {
      // It was closed at the other end.
    }
    this.#remove(stream);
  }

  async #tick(): Promise<void> {
    this.#ticks++;
    for (const stream of [...this.#streams]) {
      if (this.sessions.find(stream.sessionId) === undefined) {
        this.#send(stream, "bye", "");
        this.#end(stream);
      } else if (this.#ticks % beatEveryTicks === 0) this.#send(stream, "beat", "");
    }
    const states = this.#statesNow();
    if (states !== this.#states) this.#isChanged = true;
    this.#states = states;
    if (this.#isPushing) return;
    if (this.#isChanged || this.#ticks % lookEveryTicks === 0) for (const { key } of this.#streams) this.#due.add(key);
    this.#isChanged = false;
    const keys = new Set([...this.#due].slice(0, maxRenders));
    for (const key of keys) this.#due.delete(key);
    this.#isPushing = true;
    await this.#push([...this.#streams].filter(({ key }) => keys.has(key))).finally(() => {
      this.#isPushing = false;
    });
  }

  /** Of stages and upstreams, from memory. */
  #statesNow(): string {
    const { pipeline, breakers } = this.operator.options.running ?? {};
    const stages = pipeline?.workers.map(({ state: { word, pause }, stalledMs }) => [word, pause?.code, !stalledMs]);
    return JSON.stringify([stages, [...(breakers?.values() ?? [])].map(({ state }) => state)]);
  }

  async #push(streams: readonly Stream[]): Promise<void> {
    for (const [, same] of Map.groupBy(streams, ({ key }) => key)) {
      // One that cannot be shown now is shown when it can.
      const shown = await same[0]?.render().catch(() => undefined);
      if (shown === undefined) continue;
      for (const stream of same) {
        if (stream.last !== shown) this.#send(stream, "main", shown);
        stream.last = shown;
      }
    }
  }

  #send(stream: Stream, event: string, data: string): void {
    if (!this.#streams.has(stream)) return;
    try {
      stream.send(event, data);
    } catch {
      this.#remove(stream);
    }
  }
}
