import { expect, test } from "bun:test";
import { Metrics } from "../../src/observability/metrics.ts";
import { parsePrometheus, sumOf } from "../support/prometheus.ts";

const at = new Date("2026-01-05T03:00:00Z");
const gauges = { stages: [], paused: [], depths: new Map<string, number>(), now: at };

test("whatever failures are called, labels stay few, plain and without a number of a person", async () => {
  const metrics = new Metrics(["create-person"]);
  for (let count = 0; count < 1_000; count++) metrics.warned(`code_${count}`);
  for (const code of ["3500000000000001", "x_3500000000000001", 'a"b\\c\nd', "ü", "", "y".repeat(100)])
    metrics.charged("create-person", code, true);
  metrics.called({ call: "person/single/add", code: "<html>", ms: 5 });
  const text = await metrics.text({
    ...gauges,
    paused: [{ upstream: "3500000000000001", stage: "create-person", isPaused: true }],
    cases: new Map([["bad_name", 3]]),
    depths: new Map([['odd"queue\\with\nall', 3]]),
  });
  const samples = parsePrometheus(text);
  const codes = new Set(samples.flatMap(({ labels: { code } }) => code ?? []));
  expect(codes.size).toBeLessThanOrEqual(201);
  expect(sumOf(samples, "hikvision_sync_warnings_total")).toBe(1_000);
  expect(sumOf(samples, "hikvision_sync_dead_letters_total", { code: "other" })).toBe(6);
  expect(sumOf(samples, "hikvision_sync_queue_depth", { queue: 'odd"queue\\with\nall' })).toBe(3);
  expect(text).not.toContain("3500000000000001");
});

test.each([
  ["no line feed at the end", "# HELP a A.\n# TYPE a counter\na 1"],
  ["no type", "# HELP a A.\na 1\n"],
  ["no help", "# TYPE a counter\na 1\n"],
  ["a type after its sample", "# HELP a A.\na 1\n# TYPE a counter\n"],
  ["an unknown type", "# HELP a A.\n# TYPE a count\na 1\n"],
  ["a sample twice", '# HELP a A.\n# TYPE a counter\na{x="1",y="2"} 1\na{y="2",x="1"} 1\n'],
  ["a quote that is not escaped", '# HELP a A.\n# TYPE a counter\na{x="1"2"} 1\n'],
  ["a label twice", '# HELP a A.\n# TYPE a counter\na{x="1",x="2"} 1\n'],
  ["a counter below 0", "# HELP a A.\n# TYPE a counter\na -1\n"],
  ["a value that is none", "# HELP a A.\n# TYPE a gauge\na one\n"],
  ["a histogram without +Inf", '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 1\na_sum 1\na_count 1\n'],
  [
    "buckets that shrink",
    '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
])("the parser that reads the metrics in tests refuses %s", (_, text) => {
  expect(() => parsePrometheus(text)).toThrow();
});
