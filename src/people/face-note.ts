import { photoMark, readRemark } from "./remark.ts";
import type { Person } from "./types.ts";

/** Changes with the face in HikCentral, whoever replaces it; undefined where there is none. */
export function faceNote({ hasFace, pictureAddress, remark }: Person): string | undefined {
  return hasFace ? photoMark(`${pictureAddress} ${readRemark(remark).photoMark ?? "-"}`) : undefined;
}
