import { setTimeout as sleep } from "node:timers/promises";
import type { Clients } from "../clients.ts";
import { brokerAt, type Loaded, sourcesOf } from "../config/load.ts";
import { Failure } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { versionText } from "../version.ts";

/** A first call of HikCentral loads much: its own names are asked for so long after the start, and waited for so long. */
const [namesAfterMs, namesMs] = [500, 5_000];

/** Logs the start block, which is everything that the daemon uses; HikCentral's own names follow when they are known. */
export async function introduce(
  loaded: Loaded,
  {
    registered,
    clients,
    url,
    log,
    signal,
  }: { registered: readonly RegisteredStage[]; clients: Clients; url: string; log: Log; signal: AbortSignal },
): Promise<void> {
  const { config, hints, warnings } = loaded;
  const show = (lines: readonly (readonly [label: string, text: string])[]) => {
    for (const [label, text] of lines) log.info(`  ${label.padEnd(13)}  ${text}`);
  };
  log.info(versionText);
  show([
    ["configuration", sourcesOf(loaded)],
    ["trigger", `POST ${url}/eposh-induction${config.http.token ? ", with the token" : ""}`],
    ...(config.http.ui ? [["page", `${url}/ui/`] as const] : []),
    ["operators", config.http.socket],
    ["broker", brokerAt(config)],
    ["Eposh", new URL(config.eposh.url).origin],
    ["HikCentral", new URL(config.hikcentral.url).origin],
    ["state", config.state.folder],
    ...registered.map(({ stage, origin, enabledHere }) => {
      const text = `${stage.name} ← ${stage.queue} (${origin}${enabledHere ? "" : ", disabled here"})`;
      return ["stage", text] as const;
    }),
  ]);
  for (const text of [...warnings, ...hints]) log.warn(text);
  await sleep(namesAfterMs, undefined, { signal, ref: false }).catch(() => {});
  try {
    signal.throwIfAborted();
    show(await clients.hikcentral.names(AbortSignal.any([signal, AbortSignal.timeout(namesMs)])));
  } catch (thrown) {
    if (signal.aborted) return;
    const ids = Object.entries(config.regionals).map(([slug, id]) => `${slug} → ${id}`);
    show([["regionals", `${ids.join(", ")}; HikCentral's own names follow before the first write`]]);
    if (thrown instanceof Failure) log.warn(thrown.message);
  }
}
