export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

const number = String.raw`(?:[+-]?(?:\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|Inf)|NaN)`;
const label = String.raw`[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*"`;
const samplePattern = new RegExp(
  String.raw`^([a-zA-Z_:][\w:]*)(?:\{(${label}(?:,${label})*,?)\})? (${number})(?: -?\d+)?$`,
);
const commentPattern = /^# (HELP|TYPE) ([a-zA-Z_:][\w:]*) (.+)$/;
const types = new Set(["counter", "gauge", "histogram", "summary", "untyped"]);
const unescaped: Record<string, string> = { n: "\n", '"': '"', "\\": "\\" };

const numberOf = (text: string) => Number(text.replace("Inf", "Infinity"));

/** Reads Prometheus' text format 0.0.4 as strictly as Prometheus does; throws at the first line that is not of it. */
export function parsePrometheus(text: string): Sample[] {
  if (!text.endsWith("\n")) throw new Error("the last line must end with a line feed");
  const samples: Sample[] = [];
  const told = { HELP: new Map<string, string>(), TYPE: new Map<string, string>() };
  const seen = new Set<string>();
  const families: string[] = [];
  const family = (name: string) => {
    const base = name.replace(/_(?:bucket|sum|count)$/, "");
    return told.TYPE.get(base) === "histogram" && !told.TYPE.has(name) ? base : name;
  };
  for (const line of text.split("\n")) {
    if (line === "") continue;
    const [, kind, about = "", rest = ""] = commentPattern.exec(line) ?? [];
    if (kind === "HELP" || kind === "TYPE") {
      const isBad = kind === "TYPE" ? !types.has(rest) : /\\(?![\\n])/.test(rest);
      if (isBad || told[kind].has(about) || families.includes(about)) throw new Error(`bad, late or twice: ${line}`);
      told[kind].set(about, rest);
      continue;
    }
    if (line.startsWith("#")) continue;
    const [, name, labels = "", value = ""] = samplePattern.exec(line) ?? [];
    if (name === undefined) throw new Error(`not a sample: ${line}`);
    const of = family(name);
    if (!told.TYPE.has(of) || !told.HELP.has(of)) throw new Error(`without HELP or TYPE: ${line}`);
    if (families.at(-1) !== of && families.includes(of)) throw new Error(`apart from the others of ${of}: ${line}`);
    if (families.at(-1) !== of) families.push(of);
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = "", raw = ""]): [string, string] => [
      key,
      raw.replace(/\\(.)/g, (_, letter: string) => unescaped[letter] ?? ""),
    ]);
    if (new Set(pairs.map(([key]) => key)).size < pairs.length) throw new Error(`a label twice: ${line}`);
    const key = `${name} ${JSON.stringify(pairs.toSorted())}`;
    if (seen.has(key)) throw new Error(`twice: ${line}`);
    seen.add(key);
    const sample = { name, labels: Object.fromEntries(pairs), value: numberOf(value) };
    if (told.TYPE.get(of) === "counter" && !(sample.value >= 0)) throw new Error(`a counter below 0: ${line}`);
    samples.push(sample);
  }
  for (const [name, type] of told.TYPE) if (type === "histogram") checkHistogram(name, samples);
  return samples;
}

/** Buckets grow up to +Inf, which counts as many as `_count`. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const rowOf = ({ labels: { le: _, ...labels } }: Sample) => JSON.stringify(labels);
  const named = (end: string) => samples.filter((sample) => sample.name === name + end);
  for (const [row, buckets] of Map.groupBy(named("_bucket"), rowOf)) {
    const one = (end: string) => named(end).find((sample) => rowOf(sample) === row)?.value;
    const bounds = buckets.map(({ labels: { le = "" } }) => numberOf(le));
    const grows = (values: readonly number[]) => values.every((value, at) => value >= (values[at - 1] ?? 0));
    const isWhole = grows(bounds) && grows(buckets.map(({ value }) => value)) && one("_sum") !== undefined;
    if (!isWhole || bounds.at(-1) !== Number.POSITIVE_INFINITY || buckets.at(-1)?.value !== one("_count"))
      throw new Error(`the histogram ${name} ${row} does not add up`);
  }
}

/** The sum of all samples of this name whose labels are these. */
export const sumOf = (samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number =>
  samples
    .filter((one) => one.name === name && Object.entries(labels).every(([key, text]) => one.labels[key] === text))
    .reduce((sum, { value }) => sum + value, 0);
