import { todayIn } from "../../config/dates.ts";
import type { Language } from "./language.ts";

const locales: Record<Language, string> = { en: "en-GB", id: "id-ID" };
export const localeOf = (language: Language): string => locales[language];

/** n.b. Making one takes 0.2 ms, and a page has hundreds of times. */
const formats = new Map<string, Intl.DateTimeFormat>();
function formatOf(locale: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = JSON.stringify([locale, options]);
  const format = formats.get(key) ?? new Intl.DateTimeFormat(locale, options);
  formats.set(key, format);
  return format;
}

/** Times as people of a site read them. */
export class Times {
  #relative: Intl.RelativeTimeFormat | undefined;

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
    const format = { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" } as const;
    return formatOf(localeOf(this.language), format).format(at);
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
    this.#relative ??= new Intl.RelativeTimeFormat(localeOf(this.language), { numeric: "auto" });
    for (const [unit, size] of units)
      if (Math.abs(seconds) >= size || unit === "minute")
        return this.#relative.format(Math.trunc(seconds / size), unit);
    return "";
  }

  #format(at: Date, options: Intl.DateTimeFormatOptions): string {
    return formatOf(localeOf(this.language), { timeZone: this.timeZone, ...options }).format(at);
  }

  /** n.b. Only the Indonesian locale has names for Indonesia's zones (WIB, WITA, WIT). */
  #zone(at: Date): string {
    const parts = formatOf("id-ID", { timeZone: this.timeZone, timeZoneName: "short" }).formatToParts(at);
    return parts.find(({ type }) => type === "timeZoneName")?.value ?? this.timeZone;
  }
}

const units = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
] as const;
