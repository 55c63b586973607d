/** Raw Base64 of a baseline RGB JPEG, without a `data:` prefix. */
export type Face = string & { readonly face: unique symbol };

export interface CustomField {
  id: string;
  name: string;
  /** 0 text, 1 digits, 2 date, 3 choice. */
  type: number;
  value: string;
}

/** A person as HikCentral shows them. */
export interface ShownPerson {
  readonly personId: string;
  readonly personCode: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly remark: string;
  /** ISO 8601 as HikCentral wrote it; empty where it did not. */
  readonly validFrom: string;
  readonly validUntil: string;
  readonly hasFace: boolean;
  /** Where HikCentral keeps the face; "" without one. */
  readonly pictureAddress: string;
  readonly customFields: readonly CustomField[];
}

/** What is read of a person where thousands are and most are not asked for. */
export type BriefPerson = Pick<ShownPerson, "personId" | "personCode" | "hasFace">;

/** One who was read singly. `raw` is the whole answer: an update sends it back, or HikCentral clears it. */
export interface Person extends ShownPerson {
  readonly raw: Readonly<Record<string, unknown>>;
}

/** The employee that a message is about, as the four original messages hold one. Nothing in it is checked yet. */
export interface PersonRef {
  /** The NIK, normalised; undefined where identity_number is unusable, as a placeholder that many share. */
  code: string | undefined;
  kib: string | undefined;
  personId: string | undefined;
}

/** Where a record stands among the records of one NIK. */
export interface RecordOrder {
  /** The induction date, YYYY-MM-DD. */
  readonly inducted?: string | undefined;
  /** How many other records of the NIK stand before it in Eposh's list of that date. */
  readonly repeat?: number | undefined;
  /** When Eposh gave it. */
  readonly fetchedAt?: Date | undefined;
}

/** What of a known person can be overwritten; access where it may be what a human took away. */
export type OverwriteKind = "access" | "face" | "kib" | "name";

export interface NewOverwrite {
  readonly what: OverwriteKind;
  /** The employee's at Eposh. */
  readonly name: string;
  /** Of faces the marks of the two pictures, of access the privilege group after "not noted". */
  readonly from: string;
  readonly to: string;
  readonly reason: string;
}

/** A person of HikCentral, for whoever compares two of them. */
export interface KibHolder {
  readonly personId: string;
  readonly name: string;
}
/** As the ledger remembers another one. */
export interface OtherHolder extends KibHolder {
  /** The keyed hash of the NIK. */
  readonly person: string;
}

/** What an operator decided of a record and a person of HikCentral with its NIK. */
export type Decision = "same" | "record-wrong" | "person-wrong";

/** What the ledger remembers of an employee. Only hints: without them a write is repeated or a warning is missing. */
export interface PersonMemory {
  /** Whether Eposh was asked for the noted date since then, and no longer has that record there: its date was corrected. */
  hasLeft(noted: RecordOrder): boolean;
  /** Whether the version before the remark had induction dates met this photo link, or this KIB, of the employee. */
  isFormer(what: "link" | "kib", value: string): boolean;
  /** The text with which HikCentral refused this KIB within the last day, or the picture with this mark, last. */
  refusalOf(what: "face" | "kib", value: string): string | undefined;
  noteRefusal(what: "face" | "kib", value: string, text: string): void;
  /** The latest induction date of a record that passed create-person. */
  lastInducted(): string | undefined;
  /** The induction for which we granted the group to the person; undefined where we did not, or do not know. */
  grantOf(groupId: string, personId: string): string | undefined;
  /** `wasIn`: the person is in the group already, and the grant was for an earlier induction. */
  noteGrant(groupId: string, personId: string, inducted: string | undefined, wasIn?: boolean): void;
  /**
   * Notes that this daemon made the person and was given the number, or that the person `appeared` after an add whose
   * answer was lost, or was found in HikCentral; of the latter two the first note of a person stays. `remark` is what was
   * written, or what HikCentral shows.
   */
  noteMet(personId: string, how: "made" | "appeared" | "found", remark?: string): void;
  /** Notes the remark that was written: an earlier note in its place shows that HikCentral was restored to a backup. */
  noteRemark(personId: string, remark: string): void;
  /** Whether the person was there before: what was granted then, and taken away, is not noted. */
  wasFound(personId: string): boolean;
  /** What an operator decided of exactly this name and KIB at Eposh and this name in HikCentral, which it asks for. */
  decisionOn(ours: { readonly name: string; readonly kib: string | undefined }, theirs: string): Decision | undefined;
  /** For the security officer: `changes` lists it. */
  noteOverwrite(overwrite: NewOverwrite): void;
  /** Notes that this employee has the KIB number; returns the other ones who had it last. */
  noteKib(kib: string, holder: KibHolder): readonly OtherHolder[];
  /** Adds the warning `kib_in_use` to another holder, who could not get it where he came first in this run. */
  warnHolder(other: OtherHolder, text: string): void;
  /** The name that HikCentral shows now; undefined where that person does not have the KIB number any more. */
  noteHolder(other: OtherHolder, name: string | undefined): void;
}

/** What the ledger remembers of Eposh's records. */
export interface RecordMemory {
  /**
   * Those of a date's records that went through all stages within the last 24 hours just as they are now, with the same
   * settings, while HikCentral has not fewer persons than before. In doubt nobody.
   */
  unchanged(employees: readonly unknown[], inducted: string | undefined): Promise<ReadonlySet<unknown>>;
}

/** A picture as its host gave it, before it is made fit. */
export interface PhotoSource {
  /** Eight characters that tell one picture from another, whatever its link. */
  readonly mark: string;
  /** By these the host tells whether it has another picture now. */
  readonly etag?: string | undefined;
  readonly lastModified?: string | undefined;
}

/** The memory of an employee's photos. Only hints: without them a warning is missing, or a face is sent once more. */
export interface PhotoHistory {
  /** How many other employees came with the same link: it may show somebody else. */
  sharedWith(link: string): number;
  /** The mark of the picture that this link gave this employee last. */
  pictureBehind(link: string): string | undefined;
  notePicture(link: string, mark: string): void;
  /** The mark of the picture that was sent last, where HikCentral's remark has no room for it. */
  lastSent(): string | undefined;
  noteSent(mark: string): void;
}
