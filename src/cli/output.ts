import { createMask } from "../observability/mask.ts";
import { visibleJson, visibleLines } from "../util/text/visible.ts";

/** Masks everything that a command prints. Reading the configuration adds its secrets. */
export const mask = createMask();

/** The colours of `paint`. */
const colour = /\x1b\[\d*m/y;
const shown = (text: string) => visibleLines(mask(text), Bun.enableANSIColors ? colour : undefined);

/** A command's result. */
export const print = (text: string): void => void process.stdout.write(`${shown(text)}\n`);
/** A command's result as JSON. */
export const printJson = (value: unknown): void => print(visibleJson(JSON.stringify(value, undefined, 2)));
/** Errors and warnings, on stderr: the result on stdout may be piped on. */
export const printError = (text: string): void => void process.stderr.write(`${shown(text)}\n`);

const maxColumns = 80;

// n.b. What is cut or broken into lines must be masked before.
/** In lines that fit on a terminal: the first one begins with `first`, the others with as many blanks. */
export function wrapped(text: string, first = ""): string {
  const indent = Bun.stringWidth(first);
  const lines = Bun.wrapAnsi(mask(text), maxColumns - indent, { hard: true }).replaceAll(
    "\n",
    `\n${" ".repeat(indent)}`,
  );
  return first + lines;
}

/** The same on a terminal; elsewhere in one line, for other programs. */
export const fitted = (text: string, first = ""): string =>
  process.stdout.isTTY ? wrapped(text, first) : first + text;

/** Cut where it takes more columns. */
export const cutTo = (width: number, text: string): string => Bun.sliceAnsi(mask(text), 0, width, { ellipsis: "…" });

/** Of the employees in a list. Each may take one more column, where the last letter that fits is a wide one. */
export const [nameWidth, kibWidth] = [26, 14];

/** Columns as wide as their widest cell, two spaces between. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => Bun.stringWidth(row[column] ?? ""))));
  const pad = (cell: string, column: number) => cell + " ".repeat((widths[column] ?? 0) - Bun.stringWidth(cell));
  return rows.map((row) => row.map(pad).join("  ").trimEnd()).join("\n");
}

/** The same for a label and two columns, whose cells take as many lines as they need. */
export function comparison(rows: readonly (readonly [string, string, string])[]): string {
  const labelWidth = Math.max(...rows.map(([label]) => Bun.stringWidth(label)));
  const width = Math.floor((maxColumns - labelWidth - 4) / 2);
  const lines = rows.flatMap(([label, ...cells]) => {
    const [a = [], b = []] = cells.map((cell) => Bun.wrapAnsi(mask(cell), width, { hard: true }).split("\n"));
    return (a.length > b.length ? a : b).map((_, at) => [at === 0 ? label : "", a[at] ?? "", b[at] ?? ""]);
  });
  return table(lines);
}

const barWidth = 24;
const everyMs = 5_000;

export interface Bar {
  label: string;
  done: number;
  of: number;
  /** Behind the numbers, e.g. what failed. */
  note?: string;
}

/** Bars that are redrawn in place on a terminal; elsewhere one line every few seconds. */
export class Progress {
  #drawn = 0;
  #saidAt = 0;
  #last = "";

  constructor(readonly out: NodeJS.WriteStream = process.stderr) {}

  show(bars: readonly Bar[], isLast = false): void {
    const labels = Math.max(...bars.map(({ label }) => label.length));
    const lines = bars.map(({ label, done, of, note = "" }) => {
      const filled = of === 0 ? 0 : Math.round((barWidth * Math.min(done, of)) / of);
      return `${label.padEnd(labels)} ${"█".repeat(filled)}${"░".repeat(barWidth - filled)} ${done}/${of} ${note}`.trimEnd();
    });
    if (this.out.isTTY) {
      const up = this.#drawn > 0 ? `\x1b[${this.#drawn}A` : "";
      this.out.write(`${up}${lines.map((line) => `\x1b[2K${line}\n`).join("")}`);
      this.#drawn = lines.length;
      return;
    }
    const text = bars.map(({ label, done, of, note = "" }) => `${label} ${done}/${of} ${note}`.trimEnd()).join(" · ");
    if (text === this.#last || (!isLast && Date.now() - this.#saidAt < everyMs)) return;
    this.out.write(`${text}\n`);
    this.#saidAt = Date.now();
    this.#last = text;
  }
}
