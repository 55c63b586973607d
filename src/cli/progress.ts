const width = 24;
const everyMs = 5_000;

export interface Bar {
  label: string;
  done: number;
  of: number;
  /** Behind the numbers, e.g. what failed. */
  note?: string;
}

/** Bars that are drawn in place on a terminal; elsewhere a line now and then. */
export class Progress {
  #drawn = 0;
  #saidAt = 0;
  #last = "";

  constructor(readonly out: NodeJS.WriteStream = process.stderr) {}

  show(bars: readonly Bar[], isLast = false): void {
    const labels = Math.max(...bars.map(({ label }) => label.length));
    const lines = bars.map(({ label, done, of, note = "" }) => {
      const filled = of === 0 ? 0 : Math.round((width * Math.min(done, of)) / of);
      return `${label.padEnd(labels)} ${"█".repeat(filled)}${"░".repeat(width - filled)} ${done}/${of} ${note}`.trimEnd();
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
