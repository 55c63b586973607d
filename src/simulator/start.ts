import { type EposhOptions, startEposh } from "./eposh.ts";
import type { Fault } from "./fault-server.ts";
import { type HikCentralOptions, startHikCentral } from "./hikcentral.ts";
import { originalDates } from "./people.ts";

export interface SimulatorOptions
  extends Pick<EposhOptions, "people" | "odd" | "seed" | "portrait">,
    Pick<HikCentralOptions, "gateway" | "maxPageSize"> {
  /** By default free ports. */
  ports?: { eposh?: number; hikcentral?: number };
  faults?: { eposh?: readonly Fault[]; hikcentral?: readonly Fault[] };
}

/** An Eposh with its photos and a HikCentral, both on 127.0.0.1, good enough to rehearse a go-live on. */
export async function startSimulators({ ports = {}, faults = {}, ...options }: SimulatorOptions = {}) {
  await using opened = new AsyncDisposableStack();
  const eposh = opened.use(await startEposh({ ...options, port: ports.eposh ?? 0, faults: faults.eposh ?? [] }));
  const hikcentral = opened.use(
    await startHikCentral({ ...options, port: ports.hikcentral ?? 0, faults: faults.hikcentral ?? [] }),
  );
  const open = opened.move();
  return {
    eposh,
    hikcentral,
    /** The environment that a daemon needs to use them. */
    env: {
      EPOSH_URL: eposh.url,
      EPOSH_API_KEY: eposh.apiKey,
      EPOSH_APP_ID: eposh.appId,
      HIKCENTRAL_URL: hikcentral.url,
      HIKCENTRAL_APP_KEY: hikcentral.appKey,
      HIKCENTRAL_APP_SECRET: hikcentral.appSecret,
      PHOTO_ALLOWED_HOSTS: "127.0.0.1",
      INDUCTION_FROM: originalDates.from,
      INDUCTION_TO: originalDates.to,
      INDUCTION_SKIP: originalDates.skip,
    },
    [Symbol.asyncDispose]: () => open.disposeAsync(),
  };
}
export type Simulators = Awaited<ReturnType<typeof startSimulators>>;
