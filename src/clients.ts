import { caBesidePublic, readCa } from "./config/ca-file.ts";
import type { Config } from "./config/load.ts";
import { createHikCentral, type HikCentralClient, type HikCentralOptions } from "./hikcentral/client.ts";
import type { TransportOptions } from "./hikcentral/transport.ts";
import type { Log } from "./observability/log.ts";
import { CircuitBreaker, type UpstreamName } from "./upstreams/circuit-breaker.ts";
import { createEposh, type EposhClient } from "./upstreams/eposh.ts";
import type { Fetch } from "./upstreams/http.ts";
import { createPhotos, type PhotoClient, type PhotoOptions } from "./upstreams/photos.ts";

/** Photos downloading or being decoded at a time: each may be 10 MB, and a decoder may take 400. */
const photosInHand = 4;

export interface Clients extends AsyncDisposable {
  readonly hikcentral: HikCentralClient;
  readonly eposh: EposhClient;
  readonly photos: PhotoClient;
  /** By the name that failures give. */
  readonly breakers: ReadonlyMap<string, CircuitBreaker>;
}

/** The upstreams as configured. */
export function createClients(
  { hikcentral: hcp, eposh: eps, photo: pho, regionals }: Config,
  log: Log,
  onCall?: TransportOptions["onCall"],
  { decoders, ...more }: Pick<HikCentralOptions, "fetch"> & Pick<PhotoOptions, "decoders"> = {},
): Clients {
  const heard = (name: UpstreamName): { fetch: Fetch } => ({
    async fetch(url, init) {
      const answer = await (more.fetch ?? globalThis.fetch)(url, init);
      breakers.get(name)?.answered();
      return answer;
    },
  });
  const hikcentral = createHikCentral({
    ...hcp,
    regionals,
    kibField: { id: hcp.kibFieldId, name: hcp.kibFieldName, type: hcp.kibFieldType },
    tls: { ca: hcp.caFile && readCa("hikcentral", hcp.caFile), fingerprint: hcp.fingerprint, insecure: hcp.insecure },
    breakerSignal: () => breakers.get("hikcentral")?.signal ?? AbortSignal.any([]),
    onCall,
    ...more,
    ...heard("hikcentral"),
    log,
  });
  const eposh = createEposh({ ...eps, tls: besidePublic("eposh", eps.caFile), ...heard("eposh") });
  const photos = createPhotos({
    ...pho,
    ...(more.fetch && { fetch: more.fetch }),
    tls: besidePublic("photo", pho.caFile),
    concurrency: photosInHand,
    decoders,
  });
  if (hcp.insecure) {
    log.warn(
      "HIKCENTRAL'S CERTIFICATE IS NOT CHECKED (hikcentral.insecure): ANYBODY ON THE NETWORK CAN READ FACES AND KEYS",
    );
  }
  const say = (state: string, name: string) =>
    state === "down" ? log.warn(`${name} is down: the stages that need it pause`) : log.info(`${name} answers again`);
  const watch = (name: UpstreamName, { probe }: { probe(signal: AbortSignal): Promise<boolean> }) =>
    [name, new CircuitBreaker(name, { probe, say })] as const;
  const breakers = new Map<string, CircuitBreaker>([watch("hikcentral", hikcentral), watch("eposh", eposh)]);
  return {
    hikcentral,
    eposh,
    photos,
    breakers,
    async [Symbol.asyncDispose]() {
      await Promise.all([...breakers.values()].map((breaker) => breaker[Symbol.asyncDispose]()));
      photos[Symbol.dispose]();
      await hikcentral[Symbol.asyncDispose]();
    },
  };
}

/** The public authorities stay trusted: photos come from more than one host. */
const besidePublic = (section: string, file: string | undefined) =>
  file === undefined ? undefined : { ca: caBesidePublic(section, file) };
