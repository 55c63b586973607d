import { reject } from "../../errors.ts";

/** A photo that is whole, as far as its bytes tell. */
export interface Source {
  format: "png" | "jpeg" | "webp";
  /** What the decoder gets: the photo without what nobody needs to show it. */
  bytes: Buffer;
  /** False where this is not certain. */
  opaque: boolean;
  /** How it is to be turned, from EXIF; 1 where it is upright, or where the decoder turns it by itself. */
  orientation: number;
  /** The same picture, and another one if any of its rows are missing. */
  otherEnd?: Buffer;
}

export const unusable = (text: string, cause?: unknown) => reject("photo_unusable", text, { cause });
