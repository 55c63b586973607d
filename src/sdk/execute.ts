import * as v from "valibot";
import type { Headers } from "../broker/broker.ts";
import { ManagedDelivery } from "../broker/managed-delivery.ts";
import { Reject, Unavailable } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import { batches, checkFor, outgoing } from "../pipeline/emit.ts";
import { decodeHeaders, personOf } from "../pipeline/envelope.ts";
import { toFailure } from "../pipeline/retry/policy.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { type Context, isEnd } from "../stage.ts";
import { untilAborted } from "../util/abort.ts";
import { parseJson } from "../util/exact-json.ts";

export interface ExecutionOptions {
  clients: (signal: AbortSignal) => Pick<Context, "hikcentral" | "eposh" | "photo" | "site">;
  log: Log;
  headers?: Headers;
  /** As if it had been delivered before. */
  again?: boolean;
  signal?: AbortSignal;
  dryRun?: boolean;
  now?: () => Date;
}

/** What the daemon would do with a message. */
export interface Execution {
  outcome: "done" | "ended" | "retry" | "dead" | "paused";
  /** Of the failure, or why it ended on purpose. */
  code?: string;
  text?: string;
  /** Each would go to every stage after it. */
  returned: { message: unknown; headers: Headers }[];
  warnings: { code: string; text: string }[];
}

/** Runs one message through one stage as the daemon does, but without a queue: nothing is published or retried. */
export async function execute(
  registered: RegisteredStage,
  body: string,
  options: ExecutionOptions,
): Promise<Execution> {
  const { log, headers = {}, again = false, dryRun = false, now = () => new Date() } = options;
  const { stage, successors } = registered;
  const signal = options.signal ?? new AbortController().signal;
  const attempted: Execution = { outcome: "done", returned: [], warnings: [] };
  try {
    const message = messageIn(body);
    const checked = v.safeParse(stage.message, message);
    if (!checked.success) throw new Reject("bad_message", `the message does not fit ${stage.name}`);
    const delivery = new ManagedDelivery(stage.queue, Buffer.from(body), headers, again, () => {}, signal);
    const meta = decodeHeaders(delivery, message, now());
    const context: Context<never> = {
      ...options.clients(signal),
      options: registered.options as never,
      meta: { ...meta, superseded: false },
      log: { ...log, detail: (text) => log.debug(text) },
      signal,
      dryRun,
      warn: (code, text) => {
        attempted.warnings.push({ code, text });
        log.warn(text, { code });
      },
    };
    const result = await untilAborted(Promise.resolve(stage.run(checked.output, context)), signal);
    if (isEnd(result)) return { ...attempted, outcome: "ended", code: "ended", text: result.reason };
    if (result === undefined && successors.length > 0) throw new Reject("no_result", `${stage.name} returned nothing`);
    for await (const batch of result === undefined ? [] : batches(result, signal))
      for (const one of batch) {
        checkFor(successors, one, stage.name);
        const { body, headers = {} } = outgoing(one, attempted.returned.length, meta, personOf(message) !== undefined);
        attempted.returned.push({ message: parseJson(String(body)), headers });
      }
    return attempted;
  } catch (thrown) {
    const failure = toFailure(thrown);
    const outcome = failure instanceof Reject ? "dead" : failure instanceof Unavailable ? "paused" : "retry";
    return { ...attempted, outcome, code: failure.code, text: failure.message };
  }
}

function messageIn(body: string): unknown {
  try {
    return parseJson(body);
  } catch {
    throw new Reject("bad_message", "the message is not JSON");
  }
}
