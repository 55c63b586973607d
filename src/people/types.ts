/** Raw Base64 of a baseline RGB JPEG, without a `data:` prefix. */
export type Face = string & { readonly face: unique symbol };

export interface CustomField {
  id: string;
  name: string;
  /** 0 text, 1 digits, 2 date, 3 choice. */
  type: number;
  value: string;
}

/** A person as HikCentral keeps it. `raw` is the whole answer: an update sends it back, or HikCentral clears it. */
export interface Person {
  readonly personId: string;
  readonly personCode: string;
  readonly givenName: string;
  readonly familyName: string;
  readonly remark: string;
  /** ISO 8601 as HikCentral wrote it; empty where it did not. */
  readonly validFrom: string;
  readonly validUntil: string;
  readonly hasFace: boolean;
  readonly customFields: readonly CustomField[];
  readonly raw: Readonly<Record<string, unknown>>;
}

/** The employee that a message is about, as the four original messages hold one. Nothing in it is checked yet. */
export interface PersonRef {
  /** The NIK, normalised; undefined where identity_number is unusable, as a placeholder that many share. */
  code: string | undefined;
  kib: string | undefined;
  personId: string | undefined;
}

/** The memory of an employee's photos. Only hints: without them a warning is missing, or a face is sent once more. */
export interface PhotoHistory {
  /** How many other employees came with the same link: it may show somebody else. */
  sharedWith(link: string): number;
  /** Whether this employee's face was last sent from this link, as far as `noteSent` was told. */
  wasSent(link: string): boolean;
  noteSent(link: string): void;
}
