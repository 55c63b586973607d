import type { Site } from "../config/site.ts";
import { isReject, reject } from "../errors.ts";
import { wholeName } from "../people/names.ts";
import { isOlder, type MessageOrder, mayOverwrite, reasonOf } from "../people/record-order.ts";
import { readRemark, writeRemark } from "../people/remark.ts";
import type { PersonMemory, ShownPerson } from "../people/types.ts";
import { timesAsTaken } from "../people/validity.ts";
import type { HikCentral } from "./types.ts";

export interface KibWriter {
  readonly hikcentral: Pick<HikCentral, "kibOf" | "setKib" | "personByCode" | "updatePerson">;
  readonly meta: MessageOrder;
  readonly memory: Pick<
    PersonMemory,
    "hasLeft" | "isFormer" | "refusalOf" | "noteRefusal" | "noteOverwrite" | "noteRemark"
  >;
  readonly site: Pick<Site, "validFrom" | "validUntil">;
}

/**
 * Gives a person the KIB number of a record; false where the person keeps that of a later record. Rejects what the field
 * refuses, and asks HikCentral at most once a day.
 */
export async function replaceKib(person: ShownPerson, kib: string, writer: KibWriter): Promise<boolean> {
  const { hikcentral, meta, memory } = writer;
  const current = hikcentral.kibOf(person);
  if (current === kib) return true;
  const note = readRemark(person.remark);
  // The note of 0.1 has no induction date: a KIB that it saw, and did not write last, is of an earlier one.
  const isFormer = note.hasNote && note.inducted === undefined && memory.isFormer("kib", kib);
  if (current !== "" && (isFormer || !mayOverwrite(meta, note, memory))) return false;
  const refusal = memory.refusalOf("kib", kib);
  if (refusal !== undefined) throw reject("bad_kib_number", refusal);
  await hikcentral.setKib(person.personId, kib).catch((thrown: unknown) => {
    if (isReject(thrown) && thrown.code === "incorrect_parameter") memory.noteRefusal("kib", kib, thrown.message);
    throw thrown;
  });
  if (current === "") return true;
  const name = wholeName(person);
  memory.noteOverwrite({ what: "kib", name, from: current, to: kib, reason: reasonOf(meta, note) });
  await noteOrder(person, writer);
  return true;
}

/** After a KIB was overwritten the remark says by which record, so that no earlier one brings the old KIB back. */
async function noteOrder(before: ShownPerson, { hikcentral, meta, memory, site }: KibWriter): Promise<void> {
  const note = readRemark(before.remark);
  const isNoted = note.hasNote && !isOlder(note, meta) && (note.inducted !== undefined || meta.inducted === undefined);
  if (meta.fetchedAt === undefined || isNoted) return;
  // n.b. An update sends back all that was read, the KIB included.
  const person = await hikcentral.personByCode(before.personCode);
  if (person?.personId !== before.personId) return;
  const remark = writeRemark(readRemark(person.remark).text, { ...meta, photoMark: note.photoMark });
  if (remark === person.remark) return;
  await hikcentral.updatePerson(person, { ...timesAsTaken(person, site), remark });
  memory.noteRemark(person.personId, remark);
}
