import type { HikCentralClient } from "../../hikcentral/client.ts";
import type { EposhClient } from "../../upstreams/eposh.ts";

/** Where the live state of one person is read; the work goes first, because all share HikCentral's permits. */
export interface Upstreams {
  readonly hikcentral: HikCentralClient;
  readonly eposh: EposhClient;
  /** Slug of a regional of Eposh → id of a privilege group. */
  readonly regionals: Readonly<Record<string, string>>;
  /** The site's. */
  readonly timeZone: string;
  /** Words of a remark that mean: leave this person alone. */
  readonly handsOff: readonly string[];
}
