import type * as v from "valibot";
import { sections } from "./schema.ts";
import { names } from "./sources.ts";

/** What each key means, in one line: for the sample file, the JSON Schema and the manual. */
const meanings: Readonly<Record<string, string>> = {
  "http.host": "where the trigger listens; anything but a loopback address requires http.token",
  "http.port": "0 picks a free port",
  "http.token":
    "callers send it as Authorization: Bearer; without it a port only starts runs, shows one and answers monitoring",
  "http.socket":
    "the commands reach the daemon here, and whoever may write to it is an operator; unset: in /run/hikvision-sync if the package made it, else in the state folder",
  "http.cert_file": "certificate (PEM) to answer with over TLS, with those that lead to its issuer",
  "http.key_file": "its key (PEM)",
  "http.view_token": "logs in on the page to read it only; whoever has it can change nothing",
  "http.ui": "false switches the page off",
  "broker.url":
    "sqlite: is a file in the state folder; or amqp://USER:PASSWORD@HOST:5672/VHOST, or amqps://; a list of them for the nodes of a cluster",
  "broker.ca_file": "certificates (PEM) to trust besides the public ones, for amqps://",
  "broker.queue_type":
    "classic or quorum: how RabbitMQ makes queues that are missing; quorum only on a cluster of RabbitMQ 4",
  "broker.prefetch":
    "messages in progress at a time, for each stage; unset: twice hikcentral.concurrency where a message needs several calls, up to 100 where calls are batched, else 32",
  "broker.retry_delays": "delays before the second, third, … attempt; after the last one the message is a dead letter",
  "broker.shutdown_timeout": "how long work in progress may take to finish when the daemon stops",
  "broker.stall_timeout": "how long a stage may make no progress with work waiting before it counts as stalled",
  "eposh.url": "the address of Eposh's employee list",
  "eposh.api_key": "secret; better as the credential eposh_api_key",
  "eposh.app_id": "secret; better as the credential eposh_app_id",
  "eposh.page_size": "employees in one request",
  "eposh.timeout": "for one page",
  "eposh.ca_file": "certificates (PEM) to trust besides the public ones, e.g. of a proxy that opens TLS",
  "hikcentral.url": "https://HOST, with or without /artemis",
  "hikcentral.app_key": "secret; the partner key; better as the credential hikcentral_app_key",
  "hikcentral.app_secret": "secret; the partner secret; better as the credential hikcentral_app_secret",
  "hikcentral.signature": "minimal or full, which also signs the key, a number used once and the time",
  "hikcentral.ca_file": "certificates (PEM) to trust instead of the system's: the issuer's, or HikCentral's very own",
  "hikcentral.fingerprint":
    "SHA-256 of the one certificate to trust, whatever its name, dates and usage; for a self-signed one",
  "hikcentral.insecure": "true trusts any certificate: anybody on the network can then read faces and keys",
  "hikcentral.concurrency": "calls at a time, all stages together",
  "hikcentral.timeout": "for one call",
  "hikcentral.organisation": "the organisation that new persons are put in",
  "hikcentral.gender": "of new persons: 0 unknown, 1 male, 2 female",
  "hikcentral.valid_from": "the first day of new persons: today, or YYYY-MM-DD",
  "hikcentral.valid_until": "their last day, at most 2037-12-30",
  "hikcentral.kib_field_id": "the custom field that takes the KIB number",
  "hikcentral.kib_field_name": "the name of that field in HikCentral; with another name there, nothing is written",
  "hikcentral.kib_field_type": "0 text, 1 digits, 2 date, 3 choice; unset: as HikCentral says",
  "hikcentral.verify_face": "check that HikCentral really stored the face",
  "site.time_zone": "governs today, induction dates and validity",
  "induction.from": "the first date of a trigger without dates: YYYY-MM-DD, today or today-7",
  "induction.to": "the last date of a trigger without dates",
  "induction.skip": "dates that a trigger without dates leaves out",
  "induction.max_days": "a trigger over more days is refused",
  "verify.at": "when the whole site is compared every night, HH:MM; never: it is not",
  "verify.days": "how many days of inductions are compared",
  "guard.hands_off": "words in a person's remark in HikCentral that mean: change and grant nothing; a comma: none",
  "photo.allowed_hosts": "hosts that photos may come from; unset: Eposh's own and storage.googleapis.com",
  "photo.max_bytes": "a larger photo is not used",
  "photo.timeout": "for one photo",
  "photo.ca_file": "certificates (PEM) to trust besides the public ones",
  "photo.required": "true makes an employee without a usable photo a dead letter instead of a warning",
  "photo.give_up_after": "how long a face is tried for whose photo does not come; its person is at the gate without it",
  "stages.folder": "your own stages (.ts or .js), owned by root or the service's user",
  "stages.disabled":
    "stages that are not consumed here, while their queues are filled; keep apply-access in the list unless you want it",
  "log.level": "error, warn, info or debug",
  "log.format": "pretty, journal or json; unset: journal under systemd, else pretty",
  "state.folder": "what must survive a restart; systemd's $STATE_DIRECTORY, else ~/.local/state/hikvision-sync",
  "state.keep_days": "how long runs are remembered; dead letters never expire",
};

/** What to write for a key that has no default. */
const examples: Readonly<Record<string, unknown>> = {
  "broker.ca_file": "/etc/hikvision-sync/rabbitmq.pem",
  "broker.prefetch": 32,
  "http.token": "",
  "http.socket": "/run/hikvision-sync/operator.sock",
  "http.cert_file": "/etc/hikvision-sync/http.pem",
  "http.key_file": "/etc/hikvision-sync/http.key",
  "http.view_token": "",
  "eposh.ca_file": "/etc/hikvision-sync/proxy.pem",
  "photo.ca_file": "/etc/hikvision-sync/proxy.pem",
  "hikcentral.ca_file": "/etc/hikvision-sync/hikcentral.pem",
  "hikcentral.fingerprint": "AB:CD:…",
  "hikcentral.kib_field_type": 1,
  "photo.allowed_hosts": "storage.googleapis.com",
  "stages.folder": "/etc/hikvision-sync/stages",
  "log.format": "journal",
  "state.folder": "/var/lib/hikvision-sync",
};

export interface Key {
  /** `hikcentral.app_key` */
  name: string;
  section: string;
  /** `app_key` */
  key: string;
  meaning: string;
  required: boolean;
  default: unknown;
  example: unknown;
  schema: v.GenericSchema;
}

/** Every key of the configuration except the regionals and the options of stages, in the order of the schema. */
export const keys: readonly Key[] = [...names].map(([name, [section, inside]]) => {
  const entries: Record<string, v.GenericSchema & { default?: unknown }> =
    sections[section as keyof typeof sections].entries;
  const schema = entries[inside] as v.GenericSchema & { default?: unknown };
  const required = !schema.type.endsWith("optional") && !(name in examples);
  return {
    name,
    section,
    key: name.slice(section.length + 1),
    meaning: meanings[name] ?? "",
    required,
    default: schema.default,
    example: examples[name] ?? schema.default ?? "",
    schema,
  };
});
