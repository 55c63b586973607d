import type { Site } from "../config/site.ts";
import type { FailureCode } from "../errors/codes.ts";
import { codeOf, isReject } from "../errors.ts";
import type { PersonMemory } from "../people/types.ts";
import type { Photo } from "../upstreams/photos.ts";
import type { HikCentral } from "./types.ts";

export interface FaceToSend {
  readonly personId: string;
  readonly personCode: string;
  readonly photo: Photo;
}

export interface FaceWriter {
  readonly hikcentral: Pick<HikCentral, "updateFace" | "hasFace">;
  readonly memory: Pick<PersonMemory, "refusalOf" | "noteRefusal">;
  readonly meta: { readonly refreshFaces: boolean };
  readonly site: Pick<Site, "verifyFace">;
  warn(code: FailureCode, text: string): void;
}

/** What only says that this HikCentral takes no face in this way. */
const unsupported = new Set<FailureCode | undefined>(["hikcentral_not_supported", "hikcentral_not_permitted"]);

/** The text with which HikCentral refused the picture before: it is not sent again, unless the operator asks for it. */
export const refusalOf = (mark: string | undefined, { memory, meta }: Pick<FaceWriter, "memory" | "meta">) =>
  mark === undefined || meta.refreshFaces ? undefined : memory.refusalOf("face", mark);

/** Sends a face to a person; false where HikCentral refuses it. That is a warning: nobody waits for a face. */
export async function replaceFace(wanted: FaceToSend, writer: FaceWriter): Promise<boolean> {
  const refused = refusalOf(wanted.photo.mark, writer) ?? (await send(wanted, writer));
  if (refused !== undefined) writer.warn("face_refused", refused);
  else await verifyFace(wanted, writer);
  return refused === undefined;
}

/** After a face was accepted: HikCentral may answer success and store no picture. Then it is sent once more. */
export async function verifyFace(wanted: FaceToSend, writer: FaceWriter): Promise<void> {
  const { hikcentral, site, warn } = writer;
  const isStored = () => hikcentral.hasFace(wanted.personCode);
  if (!site.verifyFace || (await isStored())) return;
  const refused = await send(wanted, writer);
  if (refused !== undefined) warn("face_refused", refused);
  else if (!(await isStored()))
    warn("face_not_stored", "HikCentral accepted the face but stored no picture; upload it there by hand");
}

/** Why HikCentral refuses it; undefined where it does not. */
async function send({ personId, photo }: FaceToSend, { hikcentral, memory }: FaceWriter): Promise<string | undefined> {
  try {
    await hikcentral.updateFace(personId, photo.face);
    return undefined;
  } catch (error) {
    const code = codeOf(error);
    if (!isReject(error) && !unsupported.has(code)) throw error;
    const text = `HikCentral refused the face (${code}); upload one there by hand`;
    if (isReject(error)) memory.noteRefusal("face", photo.mark, text);
    return text;
  }
}
