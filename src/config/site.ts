/** The part of the configuration that stages may read. */
export interface Site {
  readonly timeZone: string;
  /** Slug of a regional of Eposh → id of a privilege group of HikCentral. */
  readonly regionals: Readonly<Record<string, string>>;
  readonly organisation: string;
  /** 0 unknown, 1 male, 2 female. */
  readonly gender: 0 | 1 | 2;
  /** Validity of a new person: ISO 8601 with the site's offset. */
  readonly validFrom: string;
  readonly validUntil: string;
  /** Read a person's picture back after a face was sent. */
  readonly verifyFace: boolean;
  /** Makes an employee without a usable photo a dead letter instead of a person without a face. */
  readonly photoRequired: boolean;
  /** How long a missing face is tried for. */
  readonly photoGiveUpAfterMs: number;
  readonly pageSize: number;
  /** Words in a person's remark that mean: leave this person alone. */
  readonly handsOff: readonly string[];
}
