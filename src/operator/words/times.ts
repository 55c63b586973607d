import { todayIn } from "../../config/dates.ts";
import type { Language } from "./language.ts";

const locales: Record<Language, string> = { en: "en-GB", id: "id-ID" };
export const localeOf = (language: Language): string => locales[language];

/** Times as people of a site read them. */
export class Times {
  constructor(
    readonly language: Language,
    readonly timeZone: string,
    readonly now: Date,
  ) {}

  /** `27 Nov 2026, 15.55 WIB` */
  moment(at: Date): string {
    return `${this.day(at)}, ${this.clock(at)} ${this.#zone(at)}`;
  }

  /** `27 Nov 2026` */
  day(at: Date): string {
    return this.#format(at, { day: "numeric", month: "short", year: "numeric" });
  }

  /** Of an induction date, YYYY-MM-DD. */
  date(date: string): string {
    const at = new Date(`${date}T12:00:00Z`);
    if (Number.isNaN(at.getTime())) return date;
    return at.toLocaleDateString(localeOf(this.language), {
      day: "numeric",
      month: "short",
      year: "numeric",
      timeZone: "UTC",
    });
  }

  /** `15.55`, or with the day where that is not today. */
  since(at: Date): string {
    const isToday = todayIn(this.timeZone, at) === todayIn(this.timeZone, this.now);
    return isToday ? this.clock(at) : `${this.day(at)}, ${this.clock(at)}`;
  }

  clock(at: Date): string {
    return this.#format(at, { hour: "2-digit", minute: "2-digit" });
  }

  /** `2 minutes ago` */
  ago(at: Date): string {
    const seconds = (at.getTime() - this.now.getTime()) / 1000;
    const relative = new Intl.RelativeTimeFormat(localeOf(this.language), { numeric: "auto" });
    for (const [unit, size] of units)
      if (Math.abs(seconds) >= size || unit === "minute") return relative.format(Math.trunc(seconds / size), unit);
    return "";
  }

  #format(at: Date, options: Intl.DateTimeFormatOptions): string {
    return at.toLocaleString(localeOf(this.language), { timeZone: this.timeZone, ...options });
  }

  /** n.b. Only the Indonesian locale has names for Indonesia's zones (WIB, WITA, WIT). */
  #zone(at: Date): string {
    const parts = new Intl.DateTimeFormat("id-ID", { timeZone: this.timeZone, timeZoneName: "short" }).formatToParts(
      at,
    );
    return parts.find(({ type }) => type === "timeZoneName")?.value ?? this.timeZone;
  }
}

const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;
