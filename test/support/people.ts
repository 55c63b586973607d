import type { Simulators } from "../../src/simulator/start.ts";

/** Successful writes at HikCentral and photos fetched, by their last word, since the last call of what it gives. */
export function deedsOf({ hikcentral, eposh }: Simulators) {
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
export const budi = ({ eposh }: Pick<Simulators, "eposh">, changes: Record<string, unknown> = {}) => ({
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
