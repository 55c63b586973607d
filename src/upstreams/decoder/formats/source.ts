import { reject } from "../../../errors.ts";

/** A photo that is complete, as far as its bytes show. */
export interface Source {
  format: "png" | "jpeg" | "webp";
  /** The input of the decoder: the photo without the parts that no viewer needs. */
  bytes: Buffer;
  /** False if it is not certain. */
  opaque: boolean;
  /** The EXIF orientation to apply; 1 if the photo is upright, or if the decoder applies it by itself. */
  orientation: number;
  /**
   * Bytes that decode to the same picture if all rows are there, and to another picture if rows are missing; undefined if
   * the photo shows by itself that all are.
   */
  otherEnd?: () => Buffer | undefined;
}

export const unusable = (text: string, cause?: unknown) => reject("photo_unusable", text, { cause });
