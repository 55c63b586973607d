import { randomFrom } from "./fault-server.ts";

export type Employee = Record<string, unknown>;

const firstNames =
  "Budi Siti Agus Dewi Eko Fitri Gunawan Hesti Indra Joko Kartika Lukman Maya Nanda Oktavia Putu Ratna Slamet Tri Utami " +
  "Vina Wahyu Yanti Zainal Ayu Bambang Citra Dimas Endang Fajar Galih Hendra Ika Jumadi Krisna Lestari Mulyono Ningsih";
const lastNames =
  "Santoso Lestari Wijaya Pratama Saputra Hidayat Nugroho Setiawan Kusuma Permata Wibowo Rahayu Susanto Gunadi Hartono " +
  "Purnama Firmansyah Maulana Siregar Nasution Simanjuntak Ginting Tanjung Harahap Lubis Suryadi Iskandar Kurniawan Halim";
const regionals = ["Zona I", "Zona II", "Zona III", "Zona IV", "TUKS", "Kawasan"].map((name) => ({
  name,
  slug: name.toLowerCase().replace(" ", "-"),
}));

/** The NIK of a man who was born on that day (YYYY-MM-DD); another one for each number. */
export function nikOf(number: number, born: string): string {
  const [year = "", month = "", day = ""] = born.split("-");
  const digits = (value: number) => String(value).padStart(4, "0");
  return `35${digits(Math.floor(number / 9999))}${day}${month}${year.slice(2)}${digits(1 + (number % 9999))}`;
}

/** The `number`th employee, the same one for the same seed. `link` is the photo's. */
export function employee(number: number, seed: number, link: string): Employee {
  const random = randomFrom(seed * 65_537 + number * 7919);
  const pick = <T>(all: readonly T[], index: number) => all[index % all.length] as T;
  const [given, family] = [firstNames.split(" "), lastNames.split(" ")];
  const below = (limit: number) => Math.floor(random() * limit);
  const first = below(6);
  const ymd = `${1970 + below(35)}-0${1 + below(9)}-${10 + below(19)}`;
  return {
    name: `${pick(given, number)} Contoh ${pick(family, Math.floor(number / given.length) + seed)}`,
    identity_number: nikOf(number, ymd),
    kib_number: `${2_600_000 + number}`,
    birth_date: { ymd },
    photo: { link },
    regionals: Array.from({ length: 1 + below(4) }, (_, index) => pick(regionals, first + index)),
  };
}

/** The original's dates, for a configuration. */
export const originalDates = { from: "2026-01-01", to: "2026-01-19", skip: "2026-01-02,2026-01-05" };

/** These 17 dates with their share of its 1,543 people: one date has two pages of 100, one has nobody. */
const shares = [88, 95, 92, 99, 85, 96, 93, 0, 100, 89, 97, 155, 86, 94, 90, 98, 86];
const days = [1, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19];

/** How many of `people` were inducted on each date. */
export function inductions(people: number): Map<string, number> {
  let before = 0;
  const upTo = (share: number) => Math.round((people * share) / 1543);
  return new Map(
    shares.map((share, index) => {
      before += share;
      return [`2026-01-${`${days[index]}`.padStart(2, "0")}`, upTo(before) - upTo(before - share)];
    }),
  );
}
