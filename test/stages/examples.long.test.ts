import { afterAll, expect, test } from "bun:test";
import { createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { startSimulators } from "../../src/simulator/start.ts";
import { run } from "../support/binary.ts";
import { startSite } from "../support/site.ts";
import { filesIn, folderWith } from "../support/stage-files.ts";

const people = 5;
const simulators = await startSimulators({ people });
afterAll(() => simulators[Symbol.asyncDispose]());

/** The files of a page as they stand there, but for the paths and addresses in its configuration. */
function exampleOf(page: string, changes: Record<string, string>) {
  const files = filesIn(page);
  const folder = folderWith({});
  const all = { "/etc/hikvision-sync/stages": folder, ...changes };
  const config = Object.entries(all).reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, files["config.toml"] ?? "");
  const { "config.toml": _, ...stages } = files;
  for (const [name, text] of Object.entries(stages)) Bun.write(join(folder, name), text, { mode: 0o644 });
  const configFile = join(folderWith({ "config.toml": config }), "config.toml");
  return { folder, config: configFile, names: Object.keys(stages) };
}

test("a line in a CSV file: as written, from check to a run, and once more without a second line", async () => {
  const list = join(folderWith({}), "access.csv");
  const { folder, config } = exampleOf("docs/stages/csv-line.md", { "/var/lib/hikvision-sync/access.csv": list });
  expect(await run(["stages", "check", "--config", config])).toMatchObject({ exit: 0, err: "" });
  const tested = await run(["stages", "test", "csv-line", "--config", config]);
  expect(tested, tested.err).toMatchObject({ exit: 0, err: expect.stringContaining(" 9 pass\n 0 fail") });

  const env = { STAGES_FOLDER: folder, STAGES_CSV_LINE_FILE: list };
  await using site = await startSite({ as: "binary", simulators, env });
  for (const _ of ["the first run", "the second"]) {
    expect(await site.induct()).toMatchObject({ dead: 0, stages: { "csv-line": { done: people } } });
    const lines = readFileSync(list, "utf8").trim().split("\n");
    expect(lines.length).toBe(people);
    for (const { personId, kib, groups } of simulators.hikcentral.state().persons)
      expect(lines.map((line) => line.split(/[, ]/).sort())).toContainEqual([personId, kib, ...groups].sort());
  }
}, 60_000);

test("a signed webhook: as written, from check to a run in which it is away, fails and refuses", async () => {
  const key = "key-of-the-webhook";
  const answers = [503, 400];
  const calls: { body: string; signature: string | null; id: string | null; status: number }[] = [];
  const receiver = Bun.serve({
    hostname: "127.0.0.1",
    port: 0,
    async fetch(request) {
      const { headers } = request;
      // Only what comes for the first time: a retry may overtake the next employee.
      const isNew = !calls.some(({ id }) => id === headers.get("idempotency-key"));
      const status = (isNew && answers.shift()) || 200;
      calls.push({
        body: await request.text(),
        signature: headers.get("x-signature"),
        id: headers.get("idempotency-key"),
        status,
      });
      return new Response("", { status });
    },
  });
  try {
    const url = `${receiver.url.href}access`;
    const { folder, config } = exampleOf("docs/stages/webhook.md", { "https://gate.example/access": url });
    const env = { STAGES_WEBHOOK_KEY: key };
    expect(await run(["stages", "check", "--config", config], env)).toMatchObject({ exit: 0, err: "" });
    const tested = await run(["stages", "test", "webhook", "--config", config], env);
    expect(tested, tested.err).toMatchObject({ exit: 0, err: expect.stringContaining(" 12 pass\n 0 fail") });

    const webhook = { STAGES_WEBHOOK_URL: url, STAGES_WEBHOOK_CONCURRENCY: "1" };
    const all = { ...env, ...webhook, STAGES_FOLDER: folder };
    await using site = await startSite({ as: "binary", simulators, env: all });
    const view = await site.induct();
    expect(view.deadLetters).toEqual([
      { code: "webhook_refused", count: 1, text: expect.stringContaining("answered 400") },
    ]);
    expect(calls.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 400, 503]);
    for (const { body, signature } of calls)
      expect(signature).toBe(`sha256=${createHmac("sha256", key).update(body).digest("hex")}`);
    const failed = calls.find(({ status }) => status === 503);
    expect(calls.filter(({ id }) => id === failed?.id).map(({ status }) => status)).toEqual([503, 200]);
    expect(site.output()).not.toContain(key);
  } finally {
    await receiver.stop(true);
  }
}, 60_000);
