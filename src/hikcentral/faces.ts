import type { FailureCode } from "../errors/codes.ts";
import { codeOf, isReject } from "../errors.ts";
import type { Face } from "../people/types.ts";
import type { HikCentral } from "./types.ts";

export interface FaceToSend {
  readonly personId: string;
  readonly personCode: string;
  readonly face: Face;
  /** Read the person again: HikCentral may answer success and store no picture. */
  readonly verify: boolean;
}

export interface FaceSent {
  /** Whether HikCentral accepted it. */
  readonly isAccepted: boolean;
  readonly warning?: { readonly code: FailureCode; readonly text: string };
}

type Calls = Pick<HikCentral, "updateFace" | "personByCode">;

/** What only says that this HikCentral takes no face in this way. */
const unsupported = new Set<FailureCode | undefined>(["hikcentral_not_supported", "hikcentral_not_permitted"]);

/** Sends a face to a person. What HikCentral refuses about it is a warning: nobody waits for a face. */
export async function replaceFace(hikcentral: Calls, wanted: FaceToSend): Promise<FaceSent> {
  try {
    await hikcentral.updateFace(wanted.personId, wanted.face);
  } catch (error) {
    const code = codeOf(error);
    if (!isReject(error) && !unsupported.has(code)) throw error;
    const text = `HikCentral refused the face (${code}); upload one there by hand`;
    return { isAccepted: false, warning: { code: "face_refused", text } };
  }
  return wanted.verify ? verifyFace(hikcentral, wanted) : { isAccepted: true };
}

/** After a face was accepted: where none is stored it is sent once more. */
export async function verifyFace(hikcentral: Calls, wanted: FaceToSend): Promise<FaceSent> {
  const isStored = async () => (await hikcentral.personByCode(wanted.personCode))?.hasFace ?? true;
  if (await isStored()) return { isAccepted: true };
  const again = await replaceFace(hikcentral, { ...wanted, verify: false });
  if (again.warning || (await isStored())) return { ...again, isAccepted: true };
  const text = "HikCentral accepted the face but stored no picture; upload it there by hand";
  return { isAccepted: true, warning: { code: "face_not_stored", text } };
}
