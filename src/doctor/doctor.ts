import { createClients } from "../clients.ts";
import type { Config } from "../config.ts";
import type { Log } from "../log.ts";
import type { Placed } from "../pipeline/registry.ts";
import type { Fetch } from "../upstream-fetch.ts";
import { examineBroker } from "./broker.ts";
import { examiner, type Finding } from "./examine.ts";
import { examineMachine } from "./machine.ts";
import { examineEposh, examineHikCentral } from "./upstreams.ts";

export interface DoctorOptions {
  log: Log;
  load: () => Promise<Placed[]>;
  /** Told of each finding; those of one system come in order, the systems side by side. */
  tell: (finding: Finding) => void;
  signal: AbortSignal;
}

/** In the order in which they are shown. */
export const systems = ["this machine", "Eposh", "HikCentral", "the broker"] as const;

/** Looks at everything that a run needs, and changes nothing anywhere: no lock, no file, no queue, no write. */
export async function examineAll(config: Config, { log, load, tell, signal }: DoctorOptions): Promise<void> {
  const aheadMs = new Map<string, number>();
  const fetchAndLook: Fetch = async (url, init) => {
    const response = await fetch(url, init);
    const date = Date.parse(response.headers.get("date") ?? "");
    if (!Number.isNaN(date)) aheadMs.set(new URL(url).host, date - Date.now());
    return response;
  };
  const clockOf = (url: string) => aheadMs.get(new URL(url).host);
  // One employee says as much as a hundred.
  const asked = { ...config, eposh: { ...config.eposh, pageSize: 1 } };
  await using clients = createClients(asked, log, undefined, { fetch: fetchAndLook });
  const examine = (system: (typeof systems)[number]) => examiner(system, tell, signal);
  await Promise.all([
    examineMachine(examine("this machine"), config, load).then((placed) =>
      examineBroker(examine("the broker"), config, placed ?? []),
    ),
    examineEposh(examine("Eposh"), config, clients, clockOf),
    examineHikCentral(examine("HikCentral"), config, clients, clockOf),
  ]);
}
