import { fit } from "../../src/upstreams/decoder/face-jpeg.ts";
import { makePng, type Rgba } from "../support/png.ts";

/** Two strangers, and how Eposh spells each of them. */
export const strangers: readonly (readonly [readonly string[], readonly string[]])[] = [
  [
    ["Budi Santoso", "BUDI SANTOSO, S.T.", "Boedi Santoso"],
    ["Siti Aminah", "Hj. Siti Aminah, S.T.", "SITI AMINAH"],
  ],
  [
    ["Suharto", "Soeharto", "SUHARTO, S.T."],
    ["Suharti", "Soeharti", "SUHARTI, S.T."],
  ],
  [
    ["Sri Wahyuni", "SRI WAHYUNI", "Sri Wahyuni, S.E."],
    ["Sri Wahyudi", "SRI WAHYUDI", "Sri Wahyudi, S.E."],
  ],
  [
    ["I Made Sari", "I MADE SARI", "I Made Sari, S.H."],
    ["Ni Made Sari", "NI MADE SARI", "Ni Made Sari, S.H."],
  ],
  [
    ["王伟", "王 伟", "王伟"],
    ["李娜", "李 娜", "李娜"],
  ],
  [
    ["Muhammad Rizki Pratama", "M. Rizki Pratama", "Rizki Pratama"],
    ["Muhammad Fajar Hidayat", "Moh. Fajar Hidayat", "Fajar Hidayat"],
  ],
];

export type Human = 0 | 1;
export const spellings = 3;
export const pictures = 2;

/** Where each human may go: no zone of one is one of the other's. */
export const zonesOf: readonly (readonly { slug: string; group: string }[])[] = [
  [
    { slug: "zona-i", group: "1" },
    { slug: "zona-ii", group: "2" },
  ],
  [
    { slug: "tuks", group: "8" },
    { slug: "kawasan", group: "9" },
  ],
];

const draw = (human: Human, number: number) => {
  const rgba = (x: number, y: number): Rgba => [human ? 200 : 20, number * 100, (x ^ y) & 255, 255];
  return makePng({ width: 120, height: 120, rgba, kind: "rgb" });
};

export interface Picture {
  readonly path: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** As HikCentral receives it. */
  readonly face: Buffer;
  readonly human: Human;
}

/** Two pictures of each of them. */
export async function drawPictures(): Promise<Picture[]> {
  const all = ([0, 1] as const).flatMap((human) => [0, 1].map((number) => ({ human, number })));
  return await Promise.all(
    all.map(async ({ human, number }) => {
      const bytes = new Uint8Array(draw(human, number));
      return { human, bytes, path: `/photos/model/${human}${number}`, face: await fit(bytes) };
    }),
  );
}
