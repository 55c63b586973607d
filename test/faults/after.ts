import { defaultRegionals } from "../../src/config/schema.ts";
import type { RunView } from "../../src/ledger/runs.ts";
import { namesOf } from "../../src/people/names.ts";
import { type Employee, employee } from "../../src/simulator/people.ts";
import type { Simulators } from "../../src/simulator/start.ts";
import { sumOf } from "../support/prometheus.ts";
import { until } from "../support/until.ts";
import { stampIn } from "./faces.ts";
import type { Victim } from "./victim.ts";

/** Who must end as a dead letter, and with which code; the rest of them is sane. */
const bad = [
  { code: "bad_name", fields: { name: null } },
  { code: "bad_identity_number", fields: { identity_number: "0".repeat(16) } },
  { code: "bad_name", fields: { name: "…" } },
];

/** How many were inducted on its dates, and how many of them must end as a dead letter. */
export interface Run {
  id: string;
  people: number;
  bad: number;
}

/** Adds them to the middle of what was inducted. */
export function addBadPeople({ eposh }: Pick<Simulators, "eposh">): void {
  const people = bad.map(({ fields }, at) => ({
    ...employee(90_000 + at, 0, `${eposh.origin}/photos/kib/-${1_767_600_000 + 90_000 + at}.png`),
    ...fields,
  }));
  eposh.days.get("2026-01-11")?.push(...people);
}

const patienceMs = 60_000;

/** Waits until nothing is left to do for a run; where nothing moves any more before that, it says what was seen last. */
export async function untilThrough(victim: Victim, run: string): Promise<RunView> {
  let seen = "";
  let movedAt = performance.now();
  const through = async () => {
    const view = (await victim.get(`/runs/${run}`)) as unknown as RunView;
    const samples = await victim.metrics();
    const depths = samples.filter(({ name }) => name === "hikvision_sync_queue_depth");
    const left = depths.filter(({ labels, value }) => value > 0 && !labels.queue?.endsWith(".dead"));
    const inFlight = sumOf(samples, "hikvision_sync_in_flight");
    const now = Bun.inspect({ view, left: left.map(({ labels, value }) => `${labels.queue} ${value}`), inFlight });
    if (now !== seen) movedAt = performance.now();
    seen = now;
    return view.status === "done" && depths.length > 0 && left.length + inFlight === 0 && view;
  };
  for (;;) {
    const view = await through().catch(() => false as const);
    if (view) return view;
    if (performance.now() - movedAt > patienceMs)
      throw new Error(`nothing moves and the run is not through: ${seen}\n${victim.site.output().slice(-2500)}`);
    await Bun.sleep(250);
  }
}

export const isBad = (one: Employee) =>
  bad.some(({ fields }) => Object.entries(fields).every(([key, value]) => one[key] === value));

/** What is not as it must be of persons: every employee once, with face, KIB and groups. */
export function faultsLeft({ eposh, hikcentral }: Simulators): string[] {
  const problems: string[] = [];
  const { persons } = hikcentral.state();
  const groupOf = new Map(defaultRegionals);
  const sane = [...eposh.days.values()].flat().filter((one) => !isBad(one));
  for (const one of sane) {
    const found = persons.filter(({ personCode }) => personCode === one.identity_number);
    const { givenName, familyName } = namesOf(one.name);
    const groups = (one.regionals as { slug: string }[]).map(({ slug }) => groupOf.get(slug) ?? "?").sort();
    const expected = [`${givenName} ${familyName}`, one.kib_number, groups.join(), true];
    const actual = found.map(({ personGivenName, personFamilyName, kib, groups, hasFace }) => [
      `${personGivenName} ${personFamilyName}`,
      kib,
      groups.sort().join(),
      hasFace,
    ]);
    if (!Bun.deepEquals(actual, [expected]))
      problems.push(`KIB ${one.kib_number}: ${Bun.inspect(actual)}, not ${Bun.inspect(expected)}`);
  }
  problems.push(...withFaceOfAnother({ hikcentral }).map((kib) => `KIB ${kib} has the face of another`));
  if (persons.length !== sane.length) problems.push(`${persons.length} persons of ${sane.length}`);
  return problems;
}

/** The KIB of each who has the face of another. */
const withFaceOfAnother = ({ hikcentral: { persons } }: Pick<Simulators, "hikcentral">) =>
  [...persons.values()].flatMap(({ picture, customFields: { "1": kib = "" } }) =>
    picture && stampIn(picture) - 1_767_600_000 !== Number(kib) - 2_600_000 ? [kib] : [],
  );

/** How many must be in HikCentral, are not, and are too often. */
export function countsOf({ eposh, hikcentral }: Simulators) {
  const codes = hikcentral.state().persons.map(({ personCode }) => personCode);
  const sane = [...eposh.days.values()].flat().filter((one) => !isBad(one));
  const found = sane.map((one) => codes.filter((code) => code === one.identity_number).length);
  return {
    people: sane.length,
    lost: found.filter((times) => times === 0).length,
    doubled: found.filter((times) => times > 1).length,
  };
}

export const badPeople = bad.length;

/** What is not as it must be of a run: just the expected dead letters, and the right counts. */
export async function lettersLeft(victim: Victim, view: RunView, { people, bad: badOnes }: Run): Promise<string[]> {
  const problems: string[] = [];
  // A daemon that was killed may have noted fewer than there are, and looks again when it is asked.
  const whole = async () => {
    const list = (await victim.get(`/dead?run=${view.run}`)) as {
      note?: string;
      groups: { code: string; ids: string[] }[];
    };
    return list.note === undefined && list;
  };
  const { groups } = await until(whole, { timeoutMs: patienceMs, everyMs: 500, what: "the list of dead letters" });
  // A page that came twice leaves the same letter once.
  const dead = groups.flatMap(({ code, ids }) => ids.map(() => code)).sort();
  const expected = badOnes === 0 ? [] : bad.map(({ code }) => code).sort();
  if (!Bun.deepEquals(dead, expected)) problems.push(`run ${view.run}: dead letters ${dead.join(", ")}`);
  const counts = [view.employees, view.through, view.dead, view.open];
  const right = [people, people - badOnes, badOnes, 0];
  if (!Bun.deepEquals(counts, right)) problems.push(`run ${view.run} counts ${counts}, not ${right}`);
  return problems;
}

/** What no output may show: the simulators' keys, a signature by its shape, any NIK. */
export const leaks: Readonly<Record<string, RegExp>> = {
  key: /contoh-(?:api-key|app-id|app-key|app-secret)/,
  // A run of 43 characters of Base64 with a digit, a small and a capital letter, and its "=".
  signature: /(?<![\w+/])(?=[\w+/]{43}=)(?=[A-Za-z+/]*\d)(?=[\d+A-Z/]*[a-z])(?=[\d+a-z/]*[A-Z])[\w+/]{43}=/,
  // After a point it is a fraction of a second.
  NIK: /(?<![\d.])(?:35\d{14}|9171010101900003)(?!\d)/,
};

/** The kinds that are in the text, each with the place where. */
export const leaksIn = (text: string): string[] =>
  Object.entries(leaks).flatMap(([kind, pattern]) => {
    const found = pattern.exec(text);
    return found ? [`${kind}: …${text.slice(Math.max(0, found.index - 60), found.index + 60)}…`] : [];
  });

/** One of each, as a careless line would have it. */
export const planted = (): string => {
  const nik = employee(1, 0, "").identity_number;
  const signature = new Bun.CryptoHasher("sha256", "contoh-app-secret").update("text").digest("base64");
  return `person ${nik} was sent with contoh-app-key and X-Ca-Signature ${signature}`;
};
