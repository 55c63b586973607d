import * as v from "valibot";
import type { RunRequest } from "./run-starter.ts";

/** Null asks for nothing: clients write it for what they leave out. */
const asked = <S extends v.GenericSchema>(schema: S) =>
  v.optional(
    v.union([
      v.pipe(
        v.null(),
        v.transform(() => undefined),
      ),
      schema,
    ]),
  );
const word = v.union([v.string(), v.number()]);
const words = v.pipe(
  v.union([word, v.array(word)]),
  v.transform((given) =>
    [given]
      .flat()
      .flatMap((one) => String(one).split(","))
      .map((one) => one.trim()),
  ),
  v.everyItem((one) => one !== ""),
);
/** An empty list of dates asks for nothing. n.b. One of KIB numbers does not: nobody is not everybody. */
const dates = v.pipe(
  words,
  v.transform((given) => (given.length > 0 ? given : undefined)),
);
const choice = v.union([
  v.boolean(),
  v.pipe(
    v.picklist(["true", "false"]),
    v.transform((given) => given === "true"),
  ),
]);
/** A run stores the list once for each date. */
const [maxKibs, maxKibLength] = [1_000, 32];
const fields = v.strictObject({
  from: asked(v.string()),
  to: asked(v.string()),
  skip: asked(dates),
  limit: asked(v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(1_000_000))),
  kib: asked(
    v.pipe(
      words,
      v.minLength(1),
      v.maxLength(maxKibs),
      v.everyItem((one) => one.length <= maxKibLength),
    ),
  ),
  refresh_faces: asked(choice),
  skip_unchanged: asked(choice),
});

const expectations: Record<string, string> = {
  from: "a date such as 2026-01-31",
  to: "a date such as 2026-01-31",
  skip: "a date or a list of dates",
  limit: "a whole number of people, 1 to 1000000",
  kib: `a KIB number or a list of them, at most ${maxKibs}`,
  refresh_faces: "true or false",
  skip_unchanged: "true or false",
};

export type Parsed = RunRequest | { problem: string };

/** What a trigger asks for, in its body or in its query. The content type does not matter. */
export function parseRequest(text: string, query: URLSearchParams): Parsed {
  const body = parseBody(text);
  if (body === undefined)
    return { problem: 'the body is not JSON; send nothing, or for example {"from":"2026-01-01","to":"2026-01-19"}' };
  if (typeof body !== "object" || body === null || Array.isArray(body))
    return { problem: "the body must be a JSON object" };
  const inBody = parseFields(body, "the body");
  if ("problem" in inBody) return inBody;
  const inQuery = parseFields(Object.fromEntries(queryFields(query)), "the query");
  if ("problem" in inQuery) return inQuery;
  const twice = Object.keys(inQuery).filter((key) => inBody[key as keyof RunRequest] !== undefined);
  if (twice.length > 0) return { problem: `${twice.join(", ")} must be in the query or in the body, not in both` };
  return { ...inBody, ...inQuery };
}

/** What clients send for an empty form: PHP's empty array, or a multipart form's end without a part. */
const emptyForms = /^\s*(null|\[\s*\]|--[^\s"]{1,72}--)?\s*$/;

function parseBody(text: string): unknown {
  if (emptyForms.test(text)) return {};
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** All are texts there, and one that is given twice is a list. */
function* queryFields(query: URLSearchParams): Generator<[string, unknown]> {
  for (const key of new Set(query.keys())) {
    const values = query.getAll(key);
    const [first = ""] = values;
    if (values.length > 1) yield [key, values];
    else yield [key, key === "limit" && /^\d+$/.test(first) ? Number(first) : first];
  }
}

function parseFields(given: object, where: string): Parsed {
  const { success, output, issues = [] } = v.safeParse(fields, given);
  if (success) return output;
  const problems = issues.map((issue) => {
    const key = String(issue.path?.[0]?.key ?? "");
    if (Object.hasOwn(expectations, key)) return `${key} must be ${expectations[key]}`;
    // Only a plain word is quoted: anything else may be a NIK.
    const named = /^[a-z_-]{1,30}$/i.test(key) ? key : `a field of ${where}`;
    return `${named} is unknown; the fields are ${Object.keys(expectations).join(", ")}`;
  });
  return { problem: [...new Set(problems)].join("; ") };
}
