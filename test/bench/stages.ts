import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaemon } from "../../src/app/daemon.ts";
import { openBroker } from "../../src/broker/open.ts";
import { table } from "../../src/cli/output.ts";
import { readConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/observability/log.ts";
import { nikOf } from "../../src/simulator/people.ts";
import { startRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import { type Bare, bareAmqplib, bareSqlite, rate } from "./bare.ts";

const messages = 15_000;
/** The first ones are for the engine to get warm. */
const warmUp = 2_000;
/** For both: with the 32 of broker.prefetch it is the way to RabbitMQ and back that is measured. */
const inFlight = 256;
const wanted = 3_000;
/** The machine may be busy with something else in one of them. */
const rounds = 4;

const stage = (name: string, after?: string) => `
  import { defineStage, v } from "hikvision-sync";
  export default defineStage({
    name: "${name}", queue: "bench_${name}", ${after ? `after: "${after}",` : ""}
    message: v.looseObject({ employee: v.looseObject({}) }),
    run: (message) => message,
  });`;

const bodies = Array.from({ length: messages + warmUp }, (_, at) =>
  JSON.stringify({
    employee: {
      name: `Budi Contoh ${at}`,
      identity_number: nikOf(at, "1990-01-31"),
      kib_number: `${2_600_000 + at}`,
      photo: { link: `https://photos.example/kib/${at}.png` },
      regionals: ["zona-i", "zona-ii", "tuks"].map((slug) => ({ name: slug, slug })),
    },
  }),
);

/** What a stage that does nothing costs a message, on either transport, beside the same without us. */
export default async function bench(): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-bench-"));
  try {
    await using rabbit = await startRabbit();
    const rows: Awaited<ReturnType<typeof compare>>[] = [];
    for (let round = 1; round <= rounds; round++) {
      const own = join(folder, String(round));
      rows.push(
        await compare("RabbitMQ, bare amqplib", join(own, "amqp"), rabbit.url, bareAmqplib(rabbit.url)),
        await compare("embedded queue, bare SQLite", join(own, "sqlite"), "sqlite:", bareSqlite(join(own, "sqlite"))),
      );
    }
    const head = ["TRANSPORT", "STAGE/s", "µs EACH", "BARE/s", "RATIO"];
    const shown = rows.map(({ title, passed, bare }) => [
      title,
      passed.toFixed(0),
      (1e6 / passed).toFixed(0),
      bare.toFixed(0),
      (passed / bare).toFixed(2),
    ]);
    console.log(table([head, ...shown]));
    const best = (way: number) => Math.max(...rows.filter((_, at) => at % 2 === way).map(({ passed }) => passed));
    const isFast = best(0) >= wanted && best(1) >= wanted;
    const judged = `at least ${wanted} confirmed messages a second are wanted of a stage, in the best of ${rounds} rounds`;
    console.log(`${isFast ? "ok" : "TOO SLOW"}: ${judged}`);
    return isFast ? 0 : 1;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compare(title: string, state: string, broker: string, bare: Bare) {
  const passed = await throughStage(state, broker);
  return { title, passed, bare: await bare(bodies, inFlight) };
}

/** The whole daemon as it is, with a stage from a file; its successor is left to others. */
async function throughStage(state: string, broker: string): Promise<number> {
  const folder = join(state, "stages");
  await Bun.$`mkdir -p ${folder}`.quiet();
  writeFileSync(join(folder, "noop.ts"), stage("noop"), { mode: 0o644 });
  writeFileSync(join(folder, "next.ts"), stage("next", "noop"), { mode: 0o644 });
  const nowhere = "http://127.0.0.1:9";
  const loaded = readConfig({
    env: {
      EPOSH_URL: nowhere,
      EPOSH_API_KEY: "none",
      EPOSH_APP_ID: "none",
      HIKCENTRAL_URL: nowhere,
      HIKCENTRAL_APP_KEY: "none",
      HIKCENTRAL_APP_SECRET: "none",
      BROKER_URL: broker,
      BROKER_PREFETCH: String(inFlight),
      STAGES_FOLDER: folder,
      STAGES_DISABLED: "next,apply-access",
      HTTP_PORT: "0",
      STATE_FOLDER: state,
    },
    defaultFile: "/nonexistent",
  });
  {
    await using filled = await openBroker(loaded.config);
    await until(() => filled.state === "up", { what: "the broker" });
    await filled.declare(["bench_noop"]);
    for (let at = 0; at < bodies.length; at += 500)
      await filled.publish(
        "bench_noop",
        bodies.slice(at, at + 500).map((body) => ({ body })),
      );
  }
  const daemon = await startDaemon({ loaded, log: createLog({ level: "error" }) });
  try {
    let done = 0;
    let startedAt = 0;
    const { promise, resolve } = Promise.withResolvers<number>();
    daemon.ledger.onRecord((entries) => {
      done += entries.filter((entry) => entry.outcome === "done").length;
      if (done >= warmUp) startedAt ||= performance.now();
      if (done === bodies.length) resolve(rate(messages, startedAt));
    });
    return await promise;
  } finally {
    await daemon.stop();
  }
}
