import { Exit, exits } from "../../errors.ts";
import type { SimulatedPerson } from "../../simulator/person-store.ts";
import { portrait } from "../../simulator/pictures.ts";
import type { Simulators } from "../../simulator/start.ts";
import { isOddKib } from "./odd.ts";

/** Each makes one situation that the comparison finds. */
export const sabotages = [
  "person",
  "face",
  "kib",
  "access",
  "photo",
  "picture",
  "expired",
  "not-yet-valid",
  "kib-twice",
  "kib-elsewhere",
  "kib-strangers",
  "unmatched",
] as const;
export type Sabotage = (typeof sabotages)[number];
export const isSabotage = (word: string): word is Sabotage => (sabotages as readonly string[]).includes(word);

/** Somebody whom an operator of HikCentral has entered. */
const stranger = { personCode: "3500000101900099", personGivenName: "Orang", personFamilyName: "Contoh" };
const another = { personCode: "3500000101900098", personGivenName: "Teman", personFamilyName: "Contoh" };
const strangersKib = "2650000";
/** In place of the photo's number; so each picture is one that nobody else has. */
const [otherLinkNumber, otherPictureNumber] = [1_777_777_777, 1_788_888_888];

/** Breaks one ordinary record behind the daemon's back; returns a sentence that names it by KIB. */
export function breakOne(what: Sabotage, { hikcentral, eposh }: Pick<Simulators, "hikcentral" | "eposh">): string {
  const { persons, groups } = hikcentral;
  const victims = [...persons.values()].filter(
    ({ personId, picture, customFields }) =>
      picture &&
      !isOddKib(customFields["1"] ?? "") &&
      [...groups.values()].some(({ members }) => members.has(personId)),
  );
  const person = victims[Math.floor(victims.length / 2)];
  if (!person) throw new Exit(exits.failed, "--sabotage found no record to break; use a larger --people");
  const kib = person.customFields["1"] ?? "";
  const enter = (number: string, who = stranger): SimulatedPerson =>
    Object.assign(hikcentral.seed(who), { customFields: { 1: number } });
  const deeds: Record<Sabotage, () => string> = {
    person() {
      persons.delete(person.personId);
      return `the person of KIB ${kib} was removed from HikCentral`;
    },
    face() {
      person.picture = undefined;
      return `the face of KIB ${kib} was removed from HikCentral`;
    },
    kib() {
      person.customFields["1"] = "999";
      return `KIB ${kib} was overwritten in HikCentral`;
    },
    access() {
      for (const { members } of groups.values()) members.delete(person.personId);
      return `KIB ${kib} was taken out of all privilege groups`;
    },
    photo() {
      for (const employee of [...eposh.days.values()].flat())
        if (employee.kib_number === kib) employee.photo = { link: otherLink(employee.photo) };
      return `KIB ${kib} got another photo in Eposh`;
    },
    picture() {
      for (const employee of [...eposh.days.values()].flat())
        if (employee.kib_number === kib) eposh.pictures.set(pathOf(employee.photo), otherPicture());
      return `another picture was put behind the photo link of KIB ${kib}`;
    },
    expired() {
      person.endTime = "2026-01-02T00:00:00+07:00";
      return `the validity of KIB ${kib} was ended in HikCentral`;
    },
    "not-yet-valid"() {
      person.beginTime = "2030-06-01T00:00:00+07:00";
      return `the validity of KIB ${kib} begins in 2030 now`;
    },
    "kib-twice"() {
      enter(kib);
      return `another person with KIB ${kib} was entered in HikCentral`;
    },
    "kib-elsewhere"() {
      person.customFields["1"] = "";
      enter(kib);
      return `KIB ${kib} was moved to another person in HikCentral`;
    },
    "kib-strangers"() {
      for (const who of [stranger, another]) enter(strangersKib, who);
      return `two unknown persons with KIB ${strangersKib} were entered in HikCentral`;
    },
    unmatched() {
      [...groups.values()][0]?.members.add(enter(strangersKib).personId);
      return `an unknown person with KIB ${strangersKib} got access in HikCentral`;
    },
  };
  return deeds[what]();
}

/** In the simulator's links the number says which picture it is. */
const otherLink = (photo: unknown): string => linkIn(photo).replace(/-\d+\.png$/, `-${otherLinkNumber}.png`);
const otherPicture = () => new Uint8Array(portrait(otherPictureNumber));
const pathOf = (photo: unknown): string => new URL(linkIn(photo)).pathname;
const linkIn = (photo: unknown): string => String((photo as { link?: unknown } | undefined)?.link);
