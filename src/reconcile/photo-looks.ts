import type { PhotoSource } from "../people/types.ts";
import type { PhotoClient } from "../upstreams/photos.ts";
import type { Recalled } from "./difference.ts";
import type { Expected } from "./expected.ts";

/** How many photos one comparison asks about. What is left over is first in the next one. */
export interface LookLimits {
  readonly photos: number;
  /** Of pictures that came whole, because they are others, or because the host does not tell. */
  readonly bytes: number;
  readonly ms: number;
}

/** A site of 20,000 is through in four nights. */
export const nightlyLooks: LookLimits = { photos: 5_000, bytes: 256e6, ms: 600_000 };
/** Somebody waits for it. */
export const promptLooks: LookLimits = { ...nightlyLooks, ms: 60_000 };
/** Half of what the client does at a time: faces that are missing need the rest. */
const concurrency = 2;

export interface LookOptions {
  readonly photos: Pick<PhotoClient, "look">;
  readonly limits: LookLimits;
  readonly signal: AbortSignal;
  /** Told of each photo that was asked about, and what is to be remembered of it. */
  readonly note?: ((personCode: string, link: string, source: PhotoSource) => void) | undefined;
}

/**
 * Asks the hosts of the photos whether another picture is behind a link than the one that was fetched; those first that
 * were asked longest ago. Returns the marks of such pictures, by NIK. A host that does not answer, or is busy, is asked no
 * more: its outage says nothing about anybody.
 */
export async function otherPictures(
  people: Iterable<Expected>,
  recalled: ReadonlyMap<string, Recalled>,
  { photos, limits, signal, note }: LookOptions,
): Promise<Map<string, string>> {
  const asked = [...people]
    .flatMap(({ personCode, photo: link }) => {
      const { source, hasOtherPhoto } = recalled.get(personCode) ?? {};
      return link === undefined || source === undefined || hasOtherPhoto ? [] : [{ personCode, link, source }];
    })
    .sort((a, b) => timeOf(a.source.askedAt) - timeOf(b.source.askedAt))
    .slice(0, limits.photos)
    .values();
  const found = new Map<string, string>();
  const away = new Set<string>();
  const endsAt = performance.now() + limits.ms;
  let bytes = 0;
  const worker = async () => {
    for (const { personCode, link, source } of asked) {
      const host = URL.parse(link)?.host ?? "";
      if (away.has(host)) continue;
      if (bytes >= limits.bytes || performance.now() > endsAt) return;
      const look = await photos.look(link, source, signal);
      if (look.state === "away") away.add(host);
      if (look.state === "other") found.set(personCode, look.source.mark);
      if ("bytes" in look) bytes += look.bytes;
      // Until a run has fetched the other picture, the former one is the one that is known.
      note?.(personCode, link, look.state === "same" ? look.source : source);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return found;
}

const timeOf = (at: string | undefined) => (at === undefined ? 0 : Date.parse(at));
