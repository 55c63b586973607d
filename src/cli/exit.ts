import { Exit, exits, textOf } from "../errors.ts";
import { printError } from "./output.ts";

/** Taken before a stage is loaded, which may not call it. */
export const { exit } = process;

let stacks = false;
/** From now on whatever nobody expected is said with its stack, as at log level debug. */
export const showStacks = (shown: boolean): void => {
  stacks = shown;
};
/** What is said of whatever ended a command. */
export const explain = (error: unknown): string =>
  stacks && error instanceof Error && !(error instanceof Exit) ? (error.stack ?? error.message) : textOf(error);

/** Says what ended a command, with the line that threw where nobody expected it. Returns the exit code. */
export function fail(error: unknown): number {
  const text = explain(error);
  const stack = (error instanceof Error && error.stack) || "";
  const [, place] = /^ +at .*?([^\s()]+\.[tj]s:\d+)/m.exec(stack) ?? [];
  const where = place && text !== stack ? ` (${place})` : "";
  if (text !== "") printError(error instanceof Exit ? text : `unexpected: ${text}${where}`);
  return error instanceof Exit ? error.exit : exits.failed;
}

/**
 * For a command that stays: aborts at SIGTERM or SIGINT, and a second one ends the process at once. SIGHUP is ignored;
 * it kills a process that does not listen for it.
 */
export function untilStopped(): { signal: AbortSignal } & Disposable {
  const stop = new AbortController();
  const onStop = () => (stop.signal.aborted ? exit(exits.failed) : stop.abort(new Exit(exits.failed, "stopped")));
  const onHangUp = () => {};
  process.on("SIGTERM", onStop).on("SIGINT", onStop).on("SIGHUP", onHangUp);
  const listenNoMore = () => void process.off("SIGTERM", onStop).off("SIGINT", onStop).off("SIGHUP", onHangUp);
  return { signal: stop.signal, [Symbol.dispose]: listenNoMore };
}
