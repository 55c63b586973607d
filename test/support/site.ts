import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startDaemon } from "../../src/app/daemon.ts";
import { readConfig } from "../../src/config/load.ts";
import type { Entry } from "../../src/ledger/ledger.ts";
import { createLog } from "../../src/observability/log.ts";
import { createMask } from "../../src/observability/mask.ts";
import { builtinNames } from "../../src/registry/builtin.ts";
import { type Simulators, startSimulators } from "../../src/simulator/start.ts";
import { until } from "./until.ts";

export type Body = Record<string, unknown>;

export interface SiteOptions {
  people?: number;
  env?: Readonly<Record<string, string>>;
  /** Before the daemon starts, which reads HikCentral's set-up at once. */
  prepare?: (simulators: Simulators) => unknown;
  holdForMs?: number;
}

/** What became of one message: "done" or a dead letter's code, and the warnings on its way, sorted. */
export interface Fate {
  end: string;
  warnings: string[];
}

let messages = 0;

/** Both simulators and a daemon on the embedded queue in this process, nobody inducted yet unless `people` are. */
export async function startSite({ people = 0, env = {}, prepare, ...more }: SiteOptions = {}) {
  await using opened = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-site-"));
  opened.defer(() => rmSync(folder, { recursive: true }));
  const simulators = opened.use(await startSimulators({ people }));
  prepare?.(simulators);
  const loaded = readConfig({
    env: {
      ...simulators.env,
      HIKCENTRAL_CONCURRENCY: "8",
      BROKER_RETRY_DELAYS: "20ms,40ms,60ms",
      HTTP_PORT: "0",
      LOG_FORMAT: "pretty",
      STATE_FOLDER: folder,
      ...env,
    },
    defaultFile: "/nonexistent",
    stageNames: builtinNames,
  });
  let output = "";
  const write = (text: string) => {
    output += text;
  };
  const log = createLog({ ...loaded.config.log, mask: createMask(loaded.secrets), write });
  const daemon = await startDaemon({ loaded, log, ...more });
  opened.defer(() => daemon.stop());
  const entries: Entry[] = [];
  opened.defer(daemon.ledger.onRecord((recorded) => void entries.push(...recorded)));
  await until(() => output.includes("take work from"), { what: "the stages to take work" });

  /** Puts a message on a queue and waits until its employee is through or dead. */
  async function work(queue: string, body: unknown, headers: Record<string, string> = {}): Promise<Fate> {
    const id = headers["hs-id"] ?? `message-${++messages}`;
    const before = entries.length;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    await daemon.broker.publish(queue, [{ body: text, headers: { "hs-id": id, ...headers } }]);
    const own = () => entries.slice(before).filter(({ item }) => item === id);
    const last = await until(
      () =>
        own().find(({ outcome, stage }) => outcome === "dead" || (outcome === "done" && stage === "assign-privilege")),
      { timeoutMs: 30_000, what: `${id} to be through, seen: ${JSON.stringify(own())}; ${output.slice(-1000)}` },
    );
    const warnings = own().flatMap(({ outcome, failure }) => (outcome === "warning" ? [failure?.code ?? ""] : []));
    return { end: last.outcome === "dead" ? (last.failure?.code ?? "") : "done", warnings: warnings.sort() };
  }

  const open = opened.move();
  return {
    ...simulators,
    daemon,
    entries,
    work,
    /** Works an employee off as Eposh would have given them. */
    employ: (employee: Body, headers?: Record<string, string>) =>
      work("hikvision_create_person", { employee }, headers),
    /** All that was logged so far. */
    output: () => output,
    /** The bodies that lie in a queue. */
    async bodies(queue: string): Promise<string[]> {
      const texts: string[] = [];
      for await (const { body } of daemon.broker.browse(queue)) texts.push(new TextDecoder().decode(body));
      return texts;
    },
    /** Successful writes at HikCentral and photos fetched, by their last word, since the last call of this. */
    deeds: deedsOf(simulators),
    person: (personCode: string) => simulators.hikcentral.state().persons.find((one) => one.personCode === personCode),
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
export type Site = Awaited<ReturnType<typeof startSite>>;

function deedsOf({ hikcentral, eposh }: Pick<Awaited<ReturnType<typeof startSimulators>>, "hikcentral" | "eposh">) {
  let [written, photographed] = [0, 0];
  return () => {
    const counts: Record<string, number> = {};
    for (const { call } of hikcentral.writes.slice(written)) {
      const word = call.split("/").slice(-2).join("/");
      counts[word] = (counts[word] ?? 0) + 1;
    }
    const photos = Object.values(eposh.photos).reduce((sum, count) => sum + count, 0);
    if (photos > photographed) counts.photo = photos - photographed;
    [written, photographed] = [hikcentral.writes.length, photos];
    return counts;
  };
}

/** An ordinary employee, whose photo is behind a link of this Eposh. */
export const budi = ({ eposh }: Pick<Site, "eposh">, changes: Body = {}): Body => ({
  name: "Budi Contoh Santoso",
  identity_number: "3500003101900001",
  kib_number: "2600001",
  birth_date: { ymd: "1990-01-31" },
  photo: { link: `${eposh.origin}/photos/kib/-1767600000.png` },
  regionals: [
    { name: "Zona I", slug: "zona-i" },
    { name: "Zona II", slug: "zona-ii" },
    { name: "TUKS", slug: "tuks" },
  ],
  ...changes,
});
