import { variableOf } from "../src/config/sources.ts";
import { exits } from "../src/errors.ts";
import type { Argument, Command } from "./commands.ts";
import { flatten } from "./completion.ts";

export interface ManualOptions {
  version: string;
  /** YYYY-MM-DD */
  date: string;
}

const exitTexts: Readonly<Record<keyof typeof exits, string>> = {
  ok: "Success.",
  failed: "The command failed, or its result is not good; the text says why.",
  usage: "The command line is wrong; the text says why.",
  unavailable: "The daemon, the broker, Eposh or HikCentral cannot be reached.",
  config: "The configuration is invalid; every problem is named. systemd does not restart the daemon then.",
};

/** hikvision-sync(1), from the commands as they are. */
export function manual(root: Command, { version, date }: ManualOptions): string {
  const files = [
    ["/etc/hikvision-sync/config.toml", "The configuration, unless --config names another file."],
    ["/etc/hikvision-sync/stages", "The site's own stages, if stages.folder names this folder."],
    [
      "/etc/credstore/hikvision-sync.hikcentral_app_secret",
      "A secret that systemd passes to the service; also hikcentral_app_key, eposh_api_key, eposh_app_id, broker_url, http_token.",
    ],
    ["/var/lib/hikvision-sync", "What must survive a restart: waiting work, and the history of the runs."],
    ["/usr/share/doc/hikvision-sync", "Guides: install.md, operating.md, security.md and moving-from-python.md."],
  ] as const;
  return [
    `.TH HIKVISION\\-SYNC 1 "${date}" "hikvision\\-sync ${version}" "User Commands"`,
    ".SH NAME",
    `hikvision\\-sync \\- ${escaped(lowerFirst(root.description))}`,
    ".SH SYNOPSIS",
    ".B hikvision\\-sync",
    ".I command",
    ".RI [ options ]",
    ".SH DESCRIPTION",
    "Fetches inducted employees from Eposh and makes each one a HikCentral person with a face, a KIB number and the",
    "access of their zones. The daemon does the work; it is run by",
    ".BR systemd (1)",
    "as",
    ".IR hikvision\\-sync.service .",
    "The other commands start runs, show the state of the daemon and compare both systems.",
    ".SH COMMANDS",
    ...flatten(root)
      .filter(({ runs }) => runs)
      .flatMap(describe),
    ".SH CONFIGURATION",
    "A key of a section of the file is also a variable in the environment",
    `(hikcentral.app_key is ${variableOf("hikcentral.app_key")}) and a file in $CREDENTIALS_DIRECTORY`,
    "(hikcentral_app_key). Credentials win over the environment, which wins over the file.",
    ".B hikvision\\-sync config example",
    "shows every key with its meaning.",
    ".SH EXIT STATUS",
    ...Object.entries(exits).flatMap(([name, code]) => term(String(code), exitTexts[name as keyof typeof exits])),
    ".SH SIGNALS",
    ...term("SIGTERM, SIGINT", "The daemon finishes the work in progress and ends; a second signal ends it at once."),
    ...term("SIGHUP", "The daemon applies a changed configuration, and keeps the old one if the new one is invalid."),
    ".SH FILES",
    ...files.flatMap(([path, text]) => term(path, text)),
    ".SH SEE ALSO",
    ".BR systemctl (1),",
    ".BR journalctl (1),",
    ".BR systemd.exec (5)",
    "",
  ].join("\n");
}

function describe({ path, description, arguments: own }: Command): string[] {
  const positionals = own.filter(({ positional }) => positional).map(({ name }) => `<${name}>`);
  return [
    `.SS "${escaped([...path, ...positionals].join(" "))}"`,
    `${escaped(description)}.`,
    ...own.flatMap((argument) => term(argumentName(argument), argumentText(argument))),
  ];
}

const argumentName = ({ name, value, positional }: Argument) =>
  positional ? `<${name}>` : value ? `${name}=<${value}>` : name;
const argumentText = ({ description, default: preset }: Argument) =>
  `${description[0]?.toUpperCase() ?? ""}${description.slice(1)}${preset ? ` (${preset})` : ""}.`;

const term = (name: string, text: string) => [".TP", `.B ${escaped(name)}`, escaped(text)];
const lowerFirst = (text: string) => `${text[0]?.toLowerCase() ?? ""}${text.slice(1)}`;
/** A hyphen that is typed, a backslash, and a dot or quote that would begin a request. */
const escaped = (text: string) =>
  text
    .replaceAll("\\", "\\e")
    .replaceAll("-", "\\-")
    .replace(/^(?=[.'])/, "\\&");
