import type { Clients } from "./clients.ts";
import type { Config } from "./config.ts";
import { Failure, isReject } from "./errors.ts";
import { kibNumberOf, namesOf, personCodeOf, sameName } from "./hikcentral/person.ts";

/** What HikCentral does not show of an employee. */
export interface Difference {
  what: "person" | "face" | "kib" | "access";
  personCode: string;
  kib: string;
  name: string;
  text: string;
}

export interface Comparison {
  /** Different NIKs at Eposh. */
  employees: number;
  /** How many of them agree, by what was compared; where Eposh gives none there is nothing to miss. */
  agree: Record<Difference["what"], number>;
  differences: Difference[];
  /** Records that cannot be a person: no NIK or no name. */
  unusable: number;
}

interface Expected {
  name: string;
  kib: string | undefined;
  face: boolean;
  groups: string[];
}

const field = (value: unknown, key: string): unknown =>
  typeof value === "object" && value !== null ? (value as Record<string, unknown>)[key] : undefined;

/** Eposh against HikCentral, one read a person; changes nothing anywhere. */
export async function compare(
  { hikcentral, eposh }: Clients,
  { regionals, hikcentral: { concurrency } }: Config,
  {
    dates,
    signal,
    onPerson,
  }: { dates: readonly string[]; signal: AbortSignal; onPerson?: (done: number, of: number) => void },
): Promise<Comparison> {
  const expected = new Map<string, Expected>();
  let unusable = 0;
  const pages = eposh.for(signal);
  for (const date of dates) {
    for (let page = 1, last = 1; page <= last; page++) {
      const { data, pagination } = await pages.page(date, page);
      last = pagination.last_page;
      for (const employee of data) {
        const found = expectationOf(employee, regionals);
        if (found) expected.set(found.personCode, found);
        else unusable++;
      }
    }
  }

  const agree = { person: 0, face: 0, kib: 0, access: 0 };
  const differences: Difference[] = [];
  const calls = hikcentral.for(signal);
  const look = async (personCode: string, { name, kib, face, groups }: Expected) => {
    const person = await calls.personByCode(personCode);
    const note = (what: Difference["what"], isRight: boolean, text: string) => {
      if (isRight) agree[what]++;
      else differences.push({ what, personCode, kib: kib ?? "none", name, text });
    };
    note(
      "person",
      person !== undefined && sameName(person, namesOf(name)),
      person ? "the person has another name" : "no such person",
    );
    if (!person) return;
    const member = await Promise.all(groups.map((group) => calls.inGroup(group, person.personId)));
    const missing = groups.filter((_, at) => !member[at]);
    note("face", person.hasFace || !face, "no face");
    note("kib", kib === undefined || calls.kibOf(person) === kib, `KIB is ${calls.kibOf(person) || "empty"}`);
    note("access", missing.length === 0, `not in privilege group ${missing.join(", ")}`);
  };
  const waiting = [...expected];
  const worker = async () => {
    for (let next = waiting.pop(); next; next = waiting.pop()) {
      await look(...next);
      onPerson?.(expected.size - waiting.length, expected.size);
    }
  };
  await Promise.all(Array.from({ length: 2 * concurrency }, worker));
  return { employees: expected.size, agree, differences, unusable };
}

function expectationOf(
  employee: unknown,
  regionals: Readonly<Record<string, string>>,
): (Expected & { personCode: string }) | undefined {
  try {
    const personCode = personCodeOf(field(employee, "identity_number"));
    const name = String(field(employee, "name") ?? "");
    namesOf(name);
    const zones = field(employee, "regionals");
    const slugs = Array.isArray(zones) ? zones.map((zone) => String(field(zone, "slug"))) : [];
    const groups = slugs.flatMap((slug) => regionals[slug] ?? []);
    const face = Boolean(field(field(employee, "photo"), "link"));
    return { personCode, name, kib: kibNumberOf(field(employee, "kib_number")), face, groups };
  } catch (error) {
    if (error instanceof Failure && isReject(error)) return undefined;
    throw error;
  }
}
