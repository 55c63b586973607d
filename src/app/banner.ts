import type { Clients } from "../clients.ts";
import { brokerAt, type Loaded, sourcesOf } from "../config/load.ts";
import { Failure } from "../errors.ts";
import type { Log } from "../observability/log.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { versionText } from "../version.ts";

/** How long the start block waits for HikCentral's own names; the daemon does not wait. */
const namesMs = 1_000;

/** Logs the start block: everything that the daemon uses. */
export async function introduce(
  loaded: Loaded,
  {
    registered,
    clients,
    url,
    log,
  }: { registered: readonly RegisteredStage[]; clients: Clients; url: string; log: Log },
): Promise<void> {
  const { config, hints, warnings } = loaded;
  const ids = Object.entries(config.regionals).map(([slug, id]) => `${slug} → ${id}`);
  const unnamed = [["regionals", `${ids.join(", ")}; HikCentral's own names follow before the first write`]] as const;
  let trouble: string | undefined;
  const names = await clients.hikcentral.names(AbortSignal.timeout(namesMs)).catch((thrown) => {
    if (thrown instanceof Failure) trouble = thrown.message;
    return unnamed;
  });
  const lines = [
    ["configuration", sourcesOf(loaded)],
    ["trigger", `POST ${url}/eposh-induction${config.http.token ? ", with the token" : ""}`],
    ...(config.http.ui ? [["page", `${url}/ui/`]] : []),
    ["broker", brokerAt(config)],
    ["Eposh", new URL(config.eposh.url).origin],
    ["HikCentral", new URL(config.hikcentral.url).origin],
    ...names,
    ["state", config.state.folder],
    ...registered.map(({ stage, origin, enabledHere }) => [
      "stage",
      `${stage.name} ← ${stage.queue} (${origin}${enabledHere ? "" : ", disabled here"})`,
    ]),
  ];
  log.info(versionText);
  for (const [label = "", text] of lines) log.info(`  ${label.padEnd(13)}  ${text}`);
  for (const text of [...warnings, ...hints, ...(trouble ? [trouble] : [])]) log.warn(text);
}
