import { writeSync } from "node:fs";
import { format as formatArguments } from "node:util";
import { createConsola, type LogObject } from "consola/core";
import type { FailureCode } from "../errors/codes.ts";
import { textOf } from "../errors.ts";
import { ignoreClosedPipes } from "../util/text/closed-pipes.ts";
import { localTime } from "../util/text/local-time.ts";
import { visible, visibleJson } from "../util/text/visible.ts";
import { createMask, type Mask } from "./mask.ts";

export const levels = ["error", "warn", "info", "debug"] as const;
export type Level = (typeof levels)[number];
export const formats = ["pretty", "journal", "json"] as const;
export type Format = (typeof formats)[number];

/** Fields to search the log for: stage, run, kib, code. An undefined one is left out. */
export interface Fields {
  readonly [name: string]: unknown;
  readonly code?: FailureCode | undefined;
}

export interface Log extends Readonly<Record<Level, (text: string, fields?: Fields) => void>> {
  /** A log that adds these fields to every line. */
  child(fields: Fields): Log;
  /** For texts that are stored or shown elsewhere. */
  readonly mask: Mask;
}

export interface LogOptions {
  level?: Level;
  format?: Format;
  /** One mask is shared by everything that prints. */
  mask?: Mask;
  /** Never waits. False: there was no room, and the text was dropped. */
  write?: (text: string) => unknown;
  now?: () => Date;
}

type Line = { at: Date; level: Level; text: string; fields: Fields };

const priorities = { error: 3, warn: 4, info: 6, debug: 7 } as const;
const colours = { error: 31, warn: 33, info: 39, debug: 2 } as const;
/** With an SGR code, e.g. 31 for red, where a terminal shows it. */
export const paint = (code: number, text: string) =>
  Bun.enableANSIColors && text ? `\x1b[${code}m${text}\x1b[0m` : text;
const isWord = (value: unknown) => typeof value === "string" && /^[\w.:/@+-]+$/.test(value);
const pairs = (fields: Fields) =>
  Object.entries(fields).map(([name, value]) => visible(` ${name}=${isWord(value) ? value : JSON.stringify(value)}`));

const writers: Record<Format, (line: Line) => string> = {
  pretty({ at, level, text, fields }) {
    // At info the text itself names what matters, and the fields are left out.
    const rest = level === "info" ? "" : paint(2, pairs(fields).join(""));
    return `${paint(2, localTime(at))} ${paint(colours[level], visible(text))}${rest}\n`;
  },
  journal({ level, text, fields }) {
    return `<${priorities[level]}>${visible(text)}${pairs(fields).join("")}\n`;
  },
  json({ at, level, text, fields }) {
    const line = { time: at.toISOString(), level, text };
    return `${visibleJson(JSON.stringify({ ...line, ...fields, ...line }))}\n`;
  },
};

/** The daemon's log, on stdout. Everything is masked here, in the sink. */
export function createLog(options: LogOptions = {}): Log {
  const { level = "info", format = "pretty", mask = createMask(), now = () => new Date() } = options;
  const { write = writeToStdout } = options;
  let dropped = 0;
  const put = (level: Level, text: string, fields: Fields) =>
    write(writers[format]({ at: now(), level, text, fields })) !== false;
  const report = ({ type, args }: LogObject) => {
    const [text, fields] = plain(args, mask, level === "debug") as [unknown, Fields];
    if (
      dropped > 0 &&
      put("warn", `${dropped} log entries were dropped, because the reader of the log was too slow`, {})
    )
      dropped = 0;
    if (!put(type as Level, typeof text === "string" ? text : JSON.stringify(text), fields)) dropped++;
  };
  // consola folds lines that repeat within `throttle`: this value switches that off.
  const consola = createConsola({ throttle: Number.NEGATIVE_INFINITY, reporters: [{ log: report }] });
  consola.level = { error: 0, warn: 1, info: 3, debug: 4 }[level];
  const withFields = (own: Fields): Log => {
    const at = (name: Level) => (text: string, fields?: Fields) => consola[name](text, { ...own, ...fields });
    const child = (fields: Fields) => withFields({ ...own, ...fields });
    return { error: at("error"), warn: at("warn"), info: at("info"), debug: at("debug"), child, mask };
  };
  return withFields({});
}

/** Sends to the log what a library or a site's stage prints to the console, until disposed of. */
export function adoptConsole(log: Log): Disposable {
  const before = Object.fromEntries(["log", ...levels].map((name) => [name, console[name as Level]]));
  for (const name of levels) console[name] = (...what: unknown[]) => log[name](formatArguments(...what));
  console.log = console.info;
  return { [Symbol.dispose]: () => void Object.assign(console, before) };
}

/** The same as strings, numbers, lists and records: masked, of bounded depth and length. */
function plain(value: unknown, mask: Mask, stacks: boolean, depth = 5): unknown {
  if (typeof value === "string") return mask(value).slice(0, 16_384);
  if (typeof value === "number") return mask(String(value)) === String(value) ? value : mask(String(value));
  if (typeof value === "boolean" || value === undefined || value === null) return value;
  const again = (inner: unknown) => plain(inner, mask, stacks, depth - 1);
  try {
    if (value instanceof Error) {
      const because = value.cause instanceof Error && depth > 0 ? `, caused by ${again(value.cause)}` : "";
      return again(`${(stacks && value.stack) || textOf(value)}${because}`);
    }
    if (typeof value !== "object") return again(String(value));
    if (depth <= 0) return "…";
    if (ArrayBuffer.isView(value)) return `${value.byteLength} bytes`;
    if ("toJSON" in value && typeof value.toJSON === "function") return again(value.toJSON());
    if (Array.isArray(value)) return value.map(again);
    const known = Object.entries(value).filter(([, inner]) => inner !== undefined);
    return Object.fromEntries(known.map(([name, inner]) => [mask(name), again(inner)]));
  } catch {
    return "something that cannot be printed";
  }
}

const maxUnwrittenCharacters = 4 << 20;
let unwrittenCharacters = 0;
/** What every pipe holds without a reader. */
let directBytes = 4_096;

function writeToStdout(text: string): boolean {
  const rest = directBytes > 0 ? writeDirectly(text) : text;
  if (rest === "") return true;
  if (unwrittenCharacters > maxUnwrittenCharacters) return false;
  unwrittenCharacters += rest.length;
  process.stdout.write(rest, () => {
    unwrittenCharacters -= rest.length;
  });
  return true;
}

/**
 * The first lines go past process.stdout, whose first use takes 15 ms that a start does not have. Returns what is left to
 * write; from the first time on that is everything.
 */
function writeDirectly(text: string): string {
  const bytes = Buffer.from(text);
  directBytes -= bytes.length;
  if (directBytes >= 0) {
    try {
      if (writeSync(1, bytes) === bytes.length) return "";
    } catch {
      // process.stdout deals with it.
    }
  }
  directBytes = 0;
  ignoreClosedPipes();
  return text;
}
