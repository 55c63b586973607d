import { type Key, keys } from "./keys.ts";
import { defaultRegionals } from "./schema.ts";

const head = `# hikvision-sync. Settings with a # in front show the default, or an example where there is none.
# [section] key here = SECTION_KEY in the environment = the file section_key in $CREDENTIALS_DIRECTORY; the last wins.
# Check with: hikvision-sync check (offline), hikvision-sync config print
`;

const isList = (value: unknown): value is string => typeof value === "string" && value.includes(",");
const toml = (value: unknown) => JSON.stringify(isList(value) ? value.split(",") : value).replaceAll('","', '", "');

function linesOf({ key, meaning, required, example }: Key): string {
  const comment = `# ${required ? "REQUIRED: " : ""}${meaning}`;
  if (required) return `${comment}\n${key} = ""\n`;
  return `${comment}\n#${key} = ${toml(example)}\n`;
}

/** The sample configuration: made from the schema, so it always fits what the program accepts. */
export function exampleConfig(): string {
  const sections = Object.entries(Object.groupBy(keys, ({ section }) => section));
  const regionals = defaultRegionals.map(([slug, id]) => `#${slug} = ${toml(id)}\n`).join("");
  return [
    head,
    ...sections.map(([section, own = []]) => `[${section}]\n${own.map(linesOf).join("")}`),
    `[regionals]\n# slug of a regional at Eposh = id of a privilege group at HikCentral; "" removes a default\n${regionals}`,
    "# [stages.NAME]: settings of one stage; the file of the stage defines further options\n#[stages.create-person]\n#concurrency = 8\n",
  ].join("\n");
}
