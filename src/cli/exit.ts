import { Exit, exits, textOf } from "../errors.ts";
import { visible } from "../util/text/visible.ts";
import { printError } from "./output.ts";

/** Saved before stages are loaded: loading them replaces `process.exit`. */
export const { exit } = process;

let stacks = false;
/** From now on `explain` shows the stack of an unexpected error, as at log level debug. */
export const showStacks = (shown: boolean): void => {
  stacks = shown;
};
/** The text of the error that ended a command. */
export const explain = (error: unknown): string =>
  stacks && error instanceof Error && !(error instanceof Exit) ? (error.stack ?? error.message) : textOf(error);

/** Only a stack has lines: a text of somebody else's must not begin one in the journal. */
const inLines = (text: string) =>
  text
    .split(/\n(?= {4}at )/)
    .map(visible)
    .join("\n");

/** Prints the error that ended a command; an unexpected one with the line that threw it. Returns the exit code. */
export function fail(error: unknown): number {
  const text = explain(error);
  const stack = (error instanceof Error && error.stack) || "";
  const [, place] = /^ +at .*?([^\s()]+\.[tj]s:\d+)/m.exec(stack) ?? [];
  const where = place && text !== stack ? ` (${place})` : "";
  if (text !== "") printError(error instanceof Exit ? text : `unexpected error: ${inLines(text)}${visible(where)}`);
  return error instanceof Exit ? error.exit : exits.failed;
}

/**
 * For a command that keeps running: aborts at SIGTERM or SIGINT; a second one ends the process at once. SIGHUP is
 * ignored, because it kills a process that does not listen for it.
 */
export function untilStopped(): { signal: AbortSignal } & Disposable {
  const stop = new AbortController();
  const onStop = () => (stop.signal.aborted ? exit(exits.failed) : stop.abort(new Exit(exits.failed, "stopped")));
  const onHangUp = () => {};
  process.on("SIGTERM", onStop).on("SIGINT", onStop).on("SIGHUP", onHangUp);
  const listenNoMore = () => void process.off("SIGTERM", onStop).off("SIGINT", onStop).off("SIGHUP", onHangUp);
  return { signal: stop.signal, [Symbol.dispose]: listenNoMore };
}
