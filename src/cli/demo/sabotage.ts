import { Exit, exits } from "../../errors.ts";
import type { Simulators } from "../../simulator/start.ts";
import { isOddKib } from "./odd.ts";

export const sabotages = ["kib", "face", "access", "person"] as const;
export type Sabotage = (typeof sabotages)[number];
export const isSabotage = (word: string): word is Sabotage => (sabotages as readonly string[]).includes(word);

/** Breaks one ordinary record at HikCentral behind the daemon's back; returns a sentence that names it. */
export function breakOne(what: Sabotage, { persons, groups }: Simulators["hikcentral"]): string {
  const victims = [...persons.values()].filter(
    ({ personId, picture, customFields }) =>
      picture &&
      !isOddKib(customFields["1"] ?? "") &&
      [...groups.values()].some(({ members }) => members.has(personId)),
  );
  const person = victims[Math.floor(victims.length / 2)];
  if (!person) throw new Exit(exits.failed, "--sabotage found no record to break; use a larger --people");
  const kib = person.customFields["1"];
  const deeds: Record<Sabotage, () => void> = {
    kib: () => Object.assign(person.customFields, { 1: "999" }),
    face: () => Reflect.deleteProperty(person, "picture"),
    access: () => {
      for (const { members } of groups.values()) members.delete(person.personId);
    },
    person: () => persons.delete(person.personId),
  };
  deeds[what]();
  return `the ${what} of KIB ${kib} was broken at HikCentral`;
}
