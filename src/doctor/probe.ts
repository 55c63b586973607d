import { entryOf } from "../errors/codes.ts";
import { Failure, textOf } from "../errors.ts";
import type { Finding } from "../operator/examination.ts";
import { untilAborted } from "../util/abort.ts";

/** A fault with its own words and its fix. */
export class Fault extends Error {
  constructor(
    readonly code: string,
    text: string,
    readonly fix: string,
  ) {
    super(text);
  }
}

/** Not permitted to be read, so nothing is known to be wrong. */
export class Unchecked extends Error {}

/** Resolves to a text about what is right; throws where something is wrong. */
export type Look = (signal: AbortSignal) => Promise<string>;
export type Examine = (probe: string, look: Look, needs?: readonly Finding[]) => Promise<Finding>;

const limitMs = 10_000;

/**
 * Every probe has its own time limit, and is skipped if a probe that it needs has failed. Its place in `found` is taken
 * when it begins.
 */
export function examiner(system: string, found: Finding[], stop: AbortSignal): Examine {
  return async (probe, look, needs = []) => {
    const startedAt = performance.now();
    const place = found.push(waiting(system, probe, startedAt)) - 1;
    const signal = AbortSignal.any([AbortSignal.timeout(limitMs), stop]);
    const missing = needs.find(({ state }) => state !== "ok");
    const result = missing
      ? ({ state: "skipped", text: `skipped: first fix ${missing.probe}` } as const)
      : await untilAborted(look(signal), signal).then((text) => ({ state: "ok" as const, text }), resultOf);
    if (stop.aborted) {
      found.splice(place);
      throw stop.reason;
    }
    const finding = { system, probe, ...result, ms: Math.round(performance.now() - startedAt) };
    found[place] = finding;
    return finding;
  };
}

/** Whoever reads it sees how long the probe has waited by then. */
const waiting = (system: string, probe: string, startedAt: number): Finding => ({
  system,
  probe,
  state: "waiting",
  get text() {
    return `no answer within ${(this.ms / 1000).toFixed(1)} s so far; the limit is ${limitMs / 1000} s`;
  },
  get ms() {
    return Math.round(performance.now() - startedAt);
  },
});

function resultOf(thrown: unknown): Pick<Finding, "text"> & Partial<Finding> & { state: "failed" | "unchecked" } {
  if (thrown instanceof Unchecked) return { state: "unchecked", text: thrown.message };
  if (thrown instanceof Fault) return { state: "failed", code: thrown.code, text: thrown.message, fix: thrown.fix };
  if (thrown instanceof DOMException && thrown.name === "TimeoutError") {
    const fix = "check the address and the firewall, or wait";
    return { state: "failed", code: "no_answer", text: `no answer within ${limitMs / 1000} s`, fix };
  }
  const code = thrown instanceof Failure ? thrown.code : "unexpected";
  // The text of a failure may hold a next step too: at its end, or before an answer that it quotes.
  const [, said = textOf(thrown), next] = /^(.*?): (check [^()]*)$/.exec(textOf(thrown)) ?? [];
  const text = said.replace(/: check [^()]*(?= \()/, "");
  const fix = next ?? entryOf(code)?.todo ?? "see hikvision-sync status and the log";
  return { state: "failed", code, text, fix };
}
