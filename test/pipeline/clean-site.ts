import { createClients } from "../../src/clients.ts";
import { readConfig } from "../../src/config/load.ts";
import { Ledger } from "../../src/ledger/ledger.ts";
import { createLog } from "../../src/observability/log.ts";
import { namesIn } from "../../src/people/names.ts";
import { NightlyComparison } from "../../src/reconcile/nightly.ts";
import { startSimulators } from "../../src/simulator/start.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { lightPortrait } from "../support/portraits.ts";

/** Two nights of a site where everybody is as Eposh says, as the Python workers left it: without our note. */
export async function nightsOf(people: number) {
  await using simulators = await startSimulators({ people, portrait: lightPortrait });
  const { eposh, hikcentral, env } = simulators;
  const folder = temporaryFolder();
  const { config } = readConfig({ env: { ...env, STATE_FOLDER: folder, HTTP_PORT: "0" }, defaultFile: "/nonexistent" });
  const employees = [...eposh.days.values()].flat() as {
    name: string;
    identity_number: string;
    kib_number: string;
    regionals: { slug: string }[];
  }[];
  for (const { name, identity_number: personCode, kib_number, regionals } of employees) {
    const { givenName, familyName } = namesIn(name);
    const person = hikcentral.seed({ personCode, personGivenName: givenName, personFamilyName: familyName });
    Object.assign(person, { picture: new Uint8Array(1), customFields: { 1: kib_number } });
    for (const { slug } of regionals) hikcentral.groups.get(config.regionals[slug] ?? "")?.members.add(person.personId);
  }
  const now = () => new Date("2026-01-19T19:00:00Z");
  using ledger = new Ledger({ folder, keepDays: 90, say: () => {}, now });
  await using clients = createClients(config, createLog({ write: () => true }));
  const said: string[] = [];
  const runs: object[] = [];
  const log = { info: (text: string) => void said.push(text), warn: (text: string) => void said.push(text) };
  const startRun = async (fix: object) => void runs.push(fix);
  using nightly = new NightlyComparison({ clients, config, ledger, startRun, log, now });
  const callsOfNight = async () => {
    const counted = () => Object.values(hikcentral.calls).reduce((sum, times) => sum + times, 0);
    const before = counted();
    await nightly.run();
    return counted() - before;
  };
  const calls = [await callsOfNight(), await callsOfNight()] as const;
  const cases = ledger.rows("select code, text from cases");
  return { calls, writes: hikcentral.writes.length, said, runs, cases };
}
