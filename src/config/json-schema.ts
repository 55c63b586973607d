import { toJsonSchema } from "@valibot/to-json-schema";
import { type Key, keys } from "./keys.ts";

function propertyOf({ schema, meaning }: Key) {
  // JSON Schema has no type for e.g. a duration: there the description must do.
  const { $schema: _, ...whole } = toJsonSchema(schema, { typeMode: "input", errorMode: "ignore" });
  const { anyOf: _also, ...number } = whole;
  // A number may come as a text from the environment; in the file it is a number.
  return { ...("type" in number ? number : whole), description: meaning };
}

/** JSON Schema (draft 7) of the configuration file, for editors. n.b. What is required may also come from elsewhere. */
export function configJsonSchema(): object {
  const sections = Object.entries(Object.groupBy(keys, ({ section }) => section));
  const properties = Object.fromEntries(
    sections.map(([section, own = []]) => [
      section,
      {
        type: "object",
        properties: Object.fromEntries(own.map((key) => [key.key, propertyOf(key)])),
        // Besides its keys [stages] holds a table for each stage.
        additionalProperties: section === "stages" ? { type: "object" } : false,
      },
    ]),
  );
  const id = { type: ["string", "integer"], description: "id of a privilege group at HikCentral" };
  const regionals = { type: "object", additionalProperties: id };
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "hikvision-sync configuration",
    type: "object",
    properties: { ...properties, regionals },
    additionalProperties: false,
  };
  // The bounds of a safe integer tell a reader nothing, and their 16 digits would be masked like a NIK.
  const isSafeBound = (value: unknown) => typeof value === "number" && Math.abs(value) === Number.MAX_SAFE_INTEGER;
  return JSON.parse(JSON.stringify(schema, (_, value: unknown) => (isSafeBound(value) ? undefined : value)));
}
