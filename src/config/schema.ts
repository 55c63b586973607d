import { resolve } from "node:path";
import * as v from "valibot";
import { formats, levels } from "../observability/log.ts";
import {
  addressesIn,
  areOfCluster,
  encodedExpectation,
  haveOneVirtualHost,
  isBrokerAddress,
  isEncoded,
} from "./broker-address.ts";
import { isDate, isDay, isTimeZone, parseDuration } from "./dates.ts";
import { Secret, secret } from "./secret.ts";

/** `expectation` completes "must be …". n.b. valibot's own texts quote the wrong value, so they are never shown. */
const kind = <S extends v.GenericSchema>(expectation: string, schema: S): S =>
  v.config(schema, { message: `must be ${expectation}`, abortPipeEarly: true });

const string = v.union([v.string(), v.pipe(v.number(), v.safeInteger(), v.transform(String))]);
const number = v.union([v.number(), v.pipe(v.string(), v.digits(), v.transform(Number))]);
const text = kind("a text", v.pipe(string, v.trim(), v.nonEmpty()));
const secretText = kind("a text", v.pipe(string, secret()));
/** n.b. A header carries no blanks at its ends and, byte for byte, only ASCII: such a token would never match. */
const isToken = (given: string) => /^[!-~]([ -~]{14,}[!-~])$/.test(given);
const token = kind(
  "at least 16 ASCII characters without a blank at the ends; hikvision-sync token makes one",
  v.pipe(v.string(), v.check(isToken), secret()),
);
const toPath = v.transform((given: string) => resolve(given));
const path = kind("a path", v.pipe(v.string(), v.nonEmpty(), toPath));
const toFlag = v.transform((given: "true" | "false") => given === "true");
const flag = kind("true or false", v.union([v.boolean(), v.pipe(v.picklist(["true", "false"]), toFlag)]));

const integer = (min: number, max: number) => {
  const range = v.pipe(number, v.integer(), v.minValue(min), v.maxValue(max));
  return kind(`a whole number from ${min} to ${max}`, range);
};
const oneOf = <const Words extends readonly string[]>(words: Words) =>
  kind(`one of ${words.join(", ")}`, v.picklist(words));
const when = (expectation: string, check: (given: string) => boolean) =>
  kind(expectation, v.pipe(v.string(), v.trim(), v.check(check)));

const toWords = v.transform((given: string) => given.split(",").map((part) => part.trim()));
/** In the file a list or a text, elsewhere a text with commas. */
const words = v.union([v.array(v.string()), v.pipe(v.string(), toWords)]);
const withoutEmpty = v.transform((names: string[]) => names.filter((name) => name !== ""));
/** n.b. In the environment an empty value counts as not set, so an empty list is written as a comma. */
const stageNames = kind("a list of names of stages", v.pipe(words, withoutEmpty));
const hosts = kind("a list of host names", v.pipe(words, v.array(v.pipe(v.string(), v.toLowerCase()))));
const toHex = v.transform((given: string) => given.replaceAll(":", "").toLowerCase());
const sha256 = kind("64 hexadecimal digits", v.pipe(v.string(), toHex, v.regex(/^[0-9a-f]{64}$/)));

const maxDurationMs = 7 * 24 * 3_600_000;
const toMs = v.transform(parseDuration);
const milliseconds = v.pipe(v.string(), toMs, v.number(), v.minValue(1), v.maxValue(maxDurationMs));
const duration = kind("a duration such as 500ms, 5s, 2m, 1h or 3d, at most 7d", milliseconds);
const isGrowing = (delays: number[]) => delays.every((delay, index) => delay > (delays[index - 1] ?? 0));
const retrySchedule = v.pipe(words, v.array(milliseconds), v.minLength(1), v.maxLength(20), v.check(isGrowing));

const isWebAddress = (given: string) => {
  const url = URL.parse(given);
  return url !== null && /^https?:$/.test(url.protocol) && `${url.username}${url.password}${url.hash}` === "";
};
const webAddress = when("an http or https address without user, password and #", isWebAddress);
const toOrigin = v.transform((given: string) => given.replace(/\/+$/, "").replace(/\/artemis$/, ""));
const brokerAddresses = v.pipe(
  v.union([v.array(v.string()), v.pipe(v.string(), v.transform(addressesIn))]),
  v.minLength(1),
  v.everyItem(isEncoded, `must be ${encodedExpectation}`),
  v.everyItem(isBrokerAddress),
  v.check(areOfCluster),
  v.check(haveOneVirtualHost, "must have the same virtual host in every address"),
  v.mapItems((address) => new Secret(address)),
);

const day = when("a date as YYYY-MM-DD, today or today-7", isDay);
const days = v.pipe(words, v.array(v.pipe(v.string(), v.check(isDay))));
const isClock = (given: string) => given === "never" || /^([01]\d|2[0-3]):[0-5]\d$/.test(given);
const isStart = (given: string) => given === "today" || isDate(given);
/** HikCentral refuses a later one. */
const isEnd = (given: string) => isDate(given) && given <= "2037-12-30";

/**
 * Sections and keys as the program knows them. Outside they are in snake_case and without the unit `Ms`, because a
 * duration is written with its unit: `retryDelaysMs` is `[broker] retry_delays` and BROKER_RETRY_DELAYS.
 */
export const sections = {
  http: v.object({
    host: v.optional(text, "127.0.0.1"),
    port: v.optional(integer(0, 65535), 5000),
    token: v.exactOptional(token),
    viewToken: v.exactOptional(token),
    ui: v.optional(flag, true),
    /** Where operators' commands reach the daemon. */
    socket: path,
    certFile: v.exactOptional(path),
    keyFile: v.exactOptional(path),
  }),
  broker: v.object({
    /** One queue file; or one or more nodes of a RabbitMQ cluster. */
    url: v.optional(
      kind("sqlite:, sqlite:/a/file, or amqp://… or amqps://… once or as a list", brokerAddresses),
      "sqlite:",
    ),
    caFile: v.exactOptional(path),
    queueType: v.optional(oneOf(["classic", "quorum"]), "classic"),
    prefetch: v.optional(integer(1, 1000)),
    retryDelaysMs: v.optional(kind("a list of growing durations, 20 at most", retrySchedule), "5s,30s,2m,10m,1h"),
    shutdownTimeoutMs: v.optional(duration, "20s"),
    stallTimeoutMs: v.optional(duration, "60s"),
  }),
  eposh: v.object({
    url: webAddress,
    apiKey: secretText,
    appId: secretText,
    pageSize: v.optional(integer(1, 1000), 100),
    timeoutMs: v.optional(duration, "30s"),
    caFile: v.exactOptional(path),
  }),
  hikcentral: v.object({
    /** Without a slash or `/artemis` at its end. */
    url: v.pipe(webAddress, toOrigin),
    appKey: secretText,
    appSecret: secretText,
    signature: v.optional(oneOf(["minimal", "full"]), "minimal"),
    caFile: v.exactOptional(path),
    /** 64 hexadecimal digits in lower case, without colons. */
    fingerprint: v.exactOptional(sha256),
    insecure: v.optional(flag, false),
    concurrency: v.optional(integer(1, 64), 2),
    /** From when the call has its permit. */
    timeoutMs: v.optional(duration, "30s"),
    organisation: v.optional(text, "1"),
    gender: v.optional(kind("0, 1 or 2", v.pipe(number, v.picklist([0, 1, 2]))), 0),
    validFrom: v.optional(when("a date as YYYY-MM-DD or today", isStart), "today"),
    validUntil: v.optional(when("a date as YYYY-MM-DD, at most 2037-12-30", isEnd), "2030-12-31"),
    kibFieldId: v.optional(text, "1"),
    kibFieldName: v.optional(text, "KIB"),
    kibFieldType: v.exactOptional(integer(0, 3)),
    verifyFace: v.optional(flag, true),
  }),
  site: v.object({
    timeZone: v.optional(when("a time zone such as Asia/Jakarta", isTimeZone), "Asia/Jakarta"),
  }),
  induction: v.object({
    from: v.optional(day, "today-7"),
    to: v.optional(day, "today"),
    skip: v.optional(kind("a list of dates as YYYY-MM-DD, today or today-7", days), []),
    maxDays: v.optional(integer(1, 366), 92),
  }),
  verify: v.object({
    at: v.optional(when("a time as HH:MM, or never", isClock), "02:00"),
    days: v.optional(integer(1, 366), 365),
  }),
  guard: v.object({ handsOff: v.optional(kind("a list of words", v.pipe(words, withoutEmpty)), "BLOCKED,BLOKIR") }),
  photo: v.object({
    /** In lower case; unless configured Eposh's own and storage.googleapis.com. */
    allowedHosts: hosts,
    maxBytes: v.optional(integer(1024, 100 << 20), 10 << 20),
    timeoutMs: v.optional(duration, "20s"),
    caFile: v.exactOptional(path),
    required: v.optional(flag, false),
    giveUpAfterMs: v.optional(duration, "3d"),
  }),
  stages: v.object({ folder: v.exactOptional(path), disabled: v.optional(stageNames, "apply-access") }),
  log: v.object({ level: v.optional(oneOf(levels), "info"), format: oneOf(formats) }),
  state: v.object({ folder: path, keepDays: v.optional(integer(1, 3650), 90) }),
};

const settings = v.object({
  concurrency: v.exactOptional(integer(1, 1000)),
  options: v.optional(v.record(v.string(), v.unknown()), {}),
});

/** An object without a prototype: a zone called `constructor` must not be found in it. */
const bare = v.transform((given: Record<string, string>): typeof given => Object.assign(Object.create(null), given));

export const configSchema = v.object({
  ...sections,
  /** Slug of a regional of Eposh → id of a privilege group of HikCentral. */
  regionals: v.pipe(v.optional(v.record(v.string(), text), {}), bare),
  /** `[stages.NAME]` is in settings; its options are for the stage's own schema. */
  stages: v.object({ ...sections.stages.entries, settings: v.optional(v.record(v.string(), settings), {}) }),
});

/** Values that are masked everywhere; of broker.url only the passwords are. */
export const secretKeys =
  "http.token http.view_token eposh.api_key eposh.app_id hikcentral.app_key hikcentral.app_secret".split(" ");

export const defaultRegionals = Object.entries({
  "zona-i": "1",
  "zona-ii": "2",
  "zona-iii": "6",
  "zona-iv": "7",
  tuks: "8",
  kawasan: "9",
});
