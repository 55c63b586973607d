export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const number = String.raw`(?:[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN)`;
const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
const samplePattern = new RegExp(String.raw`^([a-zA-Z_:][\w:]*)(?:\{((?:${label},?)*)\})? (${number})(?: \d+)?$`);
const commentPattern = /^# (?:HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/;
const types = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);

/** Reads Prometheus' text format 0.0.4 as strictly as Prometheus does; throws at the first line that is not of it. */
export function parsePrometheus(text: string): Sample[] {
  if (!text.endsWith("\n")) throw new Error("the last line must end with a line feed");
  const samples: Sample[] = [];
  const typed = new Map<string, string>();
  const seen = new Set<string>();
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, about, rest = ""] = commentPattern.exec(line) ?? [];
    if (about !== undefined) {
      if (!line.startsWith("# TYPE")) continue;
      if (!types.has(rest) || typed.has(about)) throw new Error(`a bad or second type: ${line}`);
      typed.set(about, rest);
      continue;
    }
    const [, name, labels = "", value = ""] = samplePattern.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a sample: ${line}`);
    const key = `${name}{${labels}}`;
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    const base = name.replace(/_(?:bucket|sum|count)$/, "");
    if (!typed.has(name) && typed.get(base) !== "histogram") throw new Error(`without a type: ${line}`);
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
    samples.push({
      name,
      labels: Object.fromEntries(pairs.map(([, key = "", text = ""]) => [key, text])),
      value: value.endsWith("Inf") ? Number(value.replace("Inf", "Infinity")) : Number(value),
    });
  }
  return samples;
}

/** The sum of all samples of this name whose labels are these. */
export const sumOf = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number =>
  samples
    .filter((one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text))
    .reduce((sum, { value }) => sum + value, 0);
