import { pixelsOf, type Rgba } from "./png.ts";

export const white: Rgba = [255, 255, 255, 255];
export const black: Rgba = [0, 0, 0, 255];
export const red: Rgba = [255, 0, 0, 255];
export const blue: Rgba = [0, 0, 255, 255];
export const colours = { red, white, blue, black };
export type Colour = keyof typeof colours;
const names = Object.keys(colours) as Colour[];

/** Red and white above blue and black: it shows how a picture is turned, and whether its colours are right. */
export const quarters =
  (width: number, height: number) =>
  (x: number, y: number): Rgba =>
    y < height / 2 ? (x < width / 2 ? red : white) : x < width / 2 ? blue : black;

/** The quarters for `makeJpeg`, where each colour has these components. */
export const codedQuarters = (width: number, height: number, values: Record<Colour, readonly number[]>) => {
  const rgba = quarters(width, height);
  return (x: number, y: number) => values[names.find((name) => colours[name] === rgba(x, y)) ?? "red"];
};

/** How the colours are coded in the kinds of JPEG. */
export const codes = {
  ycc: { red: [76, 85, 255], white: [255, 128, 128], blue: [29, 255, 107], black: [0, 128, 128] },
  cmyk: { red: [255, 0, 0, 255], white: [255, 255, 255, 255], blue: [0, 0, 255, 255], black: [0, 0, 0, 0] },
  ycck: { red: [179, 171, 0, 255], white: [0, 128, 128, 255], blue: [226, 1, 149, 255], black: [0, 128, 128, 0] },
};

/** The colours in the four corners, as they are read. */
export async function cornersOf(picture: Uint8Array): Promise<string> {
  const { at, width: right, height: bottom } = await pixelsOf(picture);
  const rounded = (value: number) => (value < 12 ? 0 : value > 243 ? 255 : value);
  const nameAt = (x: number, y: number) => names.find((name) => Bun.deepEquals(at(x, y).map(rounded), colours[name]));
  return [nameAt(9, 9), nameAt(right - 9, 9), nameAt(9, bottom - 9), nameAt(right - 9, bottom - 9)].join(" ");
}

/** The corners once EXIF's orientation 1 to 8 is applied. */
export const turnedCorners = [
  "red white blue black",
  "white red black blue",
  "black blue white red",
  "blue black red white",
  "red blue white black",
  "blue red black white",
  "black white blue red",
  "white black red blue",
];
