import { type Fault, instead } from "../../../src/simulator/fault-server.ts";
import { refusals } from "../../../src/simulator/hikcentral.ts";
import { until } from "../../support/until.ts";
import type { Storm } from "../storm.ts";
import { type Spell, seenBy } from "./upstreams.ts";

/** A fault that is aimed at calls for many. */
interface Kind {
  /** In the table. */
  name: string;
  /** Counted under the name; what only prepares it has another one. */
  faults(storm: Storm): Fault[];
  /** How such a call ends by the daemon's own count; what lies ends well. */
  codes: readonly string[];
}

interface Aim {
  /** As the daemon's metrics name it. */
  call: string;
  /** A daemon that has just been started knows no list. */
  isFresh: boolean;
  /** Beside them. */
  slow?: Fault;
}

/** Blows all of these at once until each was met, or it was tried often enough. */
async function blowAll(storm: Storm, kinds: readonly Kind[], { call, isFresh, slow }: Aim): Promise<void> {
  const { simulators, victim, tally } = storm;
  const { faults } = simulators.hikcentral;
  let left = kinds;
  for (let tries = 0; tries < 4 && left.length > 0; tries++) {
    await until(storm.isThrough, { timeoutMs: 120_000, everyMs: 150 });
    if (isFresh) await storm.killDaemon();
    const looks = await Promise.all(
      left.map(async ({ name, codes }) => {
        const met = () => victim.metIn(call, ...codes);
        const [seenBefore, metBefore] = [seenBy(faults, name), await met()];
        return { name, seen: () => seenBy(faults, name) - seenBefore, met: async () => (await met()) - metBefore };
      }),
    );
    faults.set(...left.flatMap((kind) => kind.faults(storm)), ...(slow ? [slow] : []));
    await storm.moreWork();
    const areSeen = async () => looks.every(({ seen }) => seen() > 0) || (await storm.isThrough());
    await until(areSeen, { timeoutMs: 20_000, everyMs: 150 }).catch(() => {});
    faults.set();
    const missed = new Set<string>();
    for (const { name, seen, met } of looks) {
      await until(async () => (await met()) >= seen(), { timeoutMs: 1_500, everyMs: 150 }).catch(() => {});
      const times = Math.min(seen(), await met());
      tally.add(name, times);
      if (times === 0) missed.add(name);
    }
    left = left.filter(({ name }) => missed.has(name));
  }
}

const persons = "person/personList";
/** Of the list of all, which is asked for in large pages. */
const [first, second] = ['"pageNo":1,"pageSize":500', '"pageNo":2,"pageSize":500'];

const ofPersons = (what: string, fault: Fault, ...codes: string[]): Kind => {
  const name = `list of persons ${what}`;
  return { name, codes, faults: () => [{ holds: second, times: 1, ...fault, name, match: persons }] };
};
const listKinds: readonly Kind[] = [
  ofPersons("5xx", refusals["5xx"], "bad_answer"),
  ofPersons("hanging", { kind: "hang" }, "timeout", "aborted"),
  ofPersons("resetting", { kind: "reset" }, "broken"),
  ofPersons("busy", refusals.busy, "0x00052102"),
  ofPersons("code 5", refusals.exception, "5"),
  ofPersons("with a short page", { kind: "short-page" }, "0"),
  ofPersons("with a page twice", { kind: "same-page" }, "0"),
  ofPersons("with a total too large", { kind: "wrong-total", by: 30, holds: "500", times: 9 }, "0"),
  ofPersons("with a total too small", { kind: "wrong-total", by: -30, holds: first }, "0"),
];

/** A list that failed keeps the daemon from reading another one: so one after the other, and in each storm every other. */
export const listOfPersons: Spell = {
  name: "list of persons",
  async blow(storm) {
    const aim = { call: persons, isFresh: true };
    const ofThisStorm = listKinds.filter((_, at) => at % 2 === storm.seed % 2);
    for (const kind of storm.dice.shuffled(ofThisStorm)) await blowAll(storm, [kind], aim);
  },
};

const members = "privilege/group/single/personList";
/** Each of a group of its own: of two lists of a group that follow each other only one lies. */
const ofGroup = (group: string, what: string, { holds = [], ...fault }: Fault, ...codes: string[]): Kind => {
  const name = `list of members ${what}`;
  const parts = [`"privilegeGroupId":"${group}"`, ...[holds].flat()];
  return { name, codes, faults: () => [{ times: 1, ...fault, name, match: members, holds: parts }] };
};
const memberKinds: readonly Kind[] = [
  ofGroup("1", "5xx", refusals["5xx"], "bad_answer"),
  ofGroup("2", "hanging", { kind: "hang" }, "timeout", "aborted"),
  ofGroup("6", "with a short page", { kind: "short-page", holds: first }, "0"),
  ofGroup("7", "with a page twice", { kind: "same-page", holds: second }, "0"),
  ofGroup("8", "with a total too small", { kind: "wrong-total", by: -1_000, holds: first }, "0"),
  ofGroup("9", "busy", refusals.busy, "0x00052102"),
];

export const listsOfMembers: Spell = {
  name: "lists of members",
  blow: (storm) => blowAll(storm, memberKinds, { call: members, isFresh: true }),
};

const addPersons = "privilege/group/single/addPersons";
const many = '},{"id"';
const refusal = (code: string) => instead("", JSON.stringify({ code, msg: "refused" }));
const ofBatch = (group: string, what: string, fault: Fault, ...codes: string[]): Kind => {
  const name = `batch ${what}`;
  const holds = [`"privilegeGroupId":"${group}"`, many];
  return { name, codes, faults: () => [{ times: 2, ...fault, name, match: addPersons, holds }] };
};
const batchKinds: readonly Kind[] = [
  {
    name: "batch with one bad member",
    codes: ["128"],
    // Some of those who come next, whose numbers are known before.
    faults({ simulators: { hikcentral } }) {
      const last = Math.max(...[...hikcentral.persons.keys()].map(Number));
      const match = addPersons;
      return [3, 9, 15].flatMap((more): Fault[] => {
        const [one, name] = [`{"id":"${last + more}"}`, "batch with one bad member"];
        const isMany = { ...refusal("128"), name, match, times: 1, holds: [one, many] };
        return [isMany, { ...refusals.busy, name: "bad member alone", match, times: 1, holds: `[${one}]` }];
      });
    },
  },
  ofBatch("1", "refused", refusal("2"), "2"),
  ofBatch("2", "half done", { kind: "half-done" }, "140"),
  ofBatch("6", "answers lost", { kind: "lost" }, "broken"),
  ofBatch("7", "hanging", { kind: "hang" }, "timeout", "aborted"),
  ofBatch("8", "busy", refusals.busy, "0x00052102"),
];

export const batches: Spell = {
  name: "batches",
  // Batches fill up while all permits are in use.
  blow: (storm) =>
    blowAll(storm, batchKinds, { call: addPersons, isFresh: false, slow: { kind: "slow", minMs: 40, maxMs: 80 } }),
};

export const kindsOfEveryStorm = [...memberKinds, ...batchKinds].map(({ name }) => name);
export const kindsOfEveryOther = listKinds.map(({ name }) => name);
