import { badPages } from "../../../src/simulator/eposh.ts";
import type { Fault, Faults } from "../../../src/simulator/fault-server.ts";
import { refusals } from "../../../src/simulator/hikcentral.ts";
import { until } from "../../support/until.ts";
import type { Storm } from "../storm.ts";

/** One stretch of bad weather: it ends by itself, and has told the tally what the victim saw of it. */
export interface Spell {
  name: string;
  blow(storm: Storm): Promise<void>;
}

export const seenBy = ({ seen }: Pick<Faults, "seen">, name: string) => seen[name] ?? 0;

/**
 * A fault of HikCentral for so many calls, `codes` being what the daemon's own metrics say of one that met it. Where
 * nothing calls any more, there is more to do.
 */
const calls = (fault: Fault, name: string, times: number, ...codes: string[]): Spell => ({
  name,
  async blow({ simulators: { hikcentral }, victim, tally, moreWork }) {
    const [before, metBefore] = [seenBy(hikcentral.faults, name), await victim.met(...codes)];
    const hits = () => seenBy(hikcentral.faults, name) - before;
    const met = async () => (await victim.met(...codes)) - metBefore;
    const seen = async () => Math.min(hits(), await met());
    for (let tries = 0, missing = times; tries < 6 && missing > 0; tries++) {
      const wanted = hits() + missing;
      hikcentral.faults.set({ ...fault, name, times: missing });
      await until(() => hits() >= wanted, { timeoutMs: 2_000, everyMs: 100 }).catch(() => {});
      hikcentral.faults.set();
      // A call that hangs is known to only once its time is up, and of a daemon killed meanwhile never.
      await until(async () => (await met()) >= hits(), { timeoutMs: 1_500, everyMs: 100 }).catch(() => {});
      missing = times - (await seen());
      if (missing > 0) await moreWork();
    }
    tally.add(`HikCentral ${name}`, await seen());
  },
});

const refusing: Spell = {
  name: "refusing",
  async blow({ simulators: { hikcentral }, victim, tally, dice, moreWork }) {
    for (let [tries, refused] = [0, 0]; tries < 4 && refused < 4; tries++) {
      await moreWork();
      const before = await victim.met("unconnected");
      await hikcentral.down();
      await until(async () => (await victim.met("unconnected")) > before, { timeoutMs: 1_500, everyMs: 100 }).catch(
        () => {},
      );
      await Bun.sleep(dice.between(0, 600));
      await hikcentral.up();
      const seen = (await victim.met("unconnected")) - before;
      tally.add("HikCentral refusing", seen);
      refused += seen;
    }
  },
};

const photosDown: Spell = {
  name: "photo host down",
  async blow({ simulators: { eposh }, victim, tally, dice, moreWork, fetched }) {
    const name = "photo host down";
    const photosLost = /"photo_unavailable"/;
    for (let [tries, hits] = [0, 0]; tries < 8 && hits < 3; tries++) {
      await fetched();
      const [before, saidBefore] = [seenBy(eposh.faults, name), victim.said(photosLost)];
      const seen = () => (victim.said(photosLost) > saidBefore ? seenBy(eposh.faults, name) - before : 0);
      const photos = { kind: "reset", name, match: "/photos/" } as const;
      // The photos first: those of new people would have come before all of them are fetched.
      eposh.faults.set(photos);
      await moreWork();
      await fetched();
      eposh.faults.set(photos, { kind: "reset", name: "Eposh down" });
      await until(() => seen() >= 3, { timeoutMs: 3_000, everyMs: 100 }).catch(() => {});
      await Bun.sleep(dice.between(200, 600));
      eposh.faults.set();
      hits += seen();
      tally.add(name, seen());
    }
  },
};

/** As a machine whose time was wrong for a while. */
const clock: Spell = {
  name: "clock",
  async blow({ victim, tally, dice, moreWork }) {
    for (const jump of ["away", "back", "away", "back"]) {
      const offsetMs = jump === "back" ? 0 : (dice.between(0, 1) * 2 - 1) * dice.between(1, 48) * 3_600_000;
      victim.setClock(offsetMs);
      const seen = () => victim.saysTimeOff(offsetMs);
      await moreWork();
      if (await until(seen, { timeoutMs: 4_000, everyMs: 100 }).catch(() => false)) tally.add("clock jumps");
    }
  },
};

export const spells: readonly Spell[] = [
  calls({ kind: "hang" }, "hanging", 4, "timeout", "aborted"),
  calls({ kind: "reset" }, "resetting", 6, "broken"),
  calls(refusals["5xx"], "5xx", 5, "bad_answer"),
  calls(refusals.html, "HTML", 5, "bad_answer"),
  calls(refusals.busy, "busy", 5, "0x00052102"),
  calls(refusals.exception, "code 5", 4, "5"),
  calls({ ...refusals.wrongKey, match: "personInfo" }, "wrong key", 4, "0x02401001"),
  calls(refusals.licence, "licence", 4, "132"),
  calls({ kind: "lost", share: 0.3 }, "answers lost", 8, "broken"),
  refusing,
  photosDown,
  clock,
];

const drifting = ["2026-01-04", "2026-01-10", "2026-01-13"];

/** Set before the first trigger: each date drifts twice at most, because a third fetch must be whole. */
export const eposhFaults: readonly Fault[] = [
  { kind: "answer", name: "Eposh failing", match: "page=2&", status: 500, body: "Server Error", times: 1 },
  { kind: "half", name: "Eposh failing", match: "page=2&", times: 3 },
  { ...badPages.html, name: "Eposh failing", match: "page=3&", times: 1 },
  ...drifting.map((date) => ({
    kind: "drift" as const,
    name: `drift ${date}`,
    match: `induction_date=${date}&include_base64=false&page=2&`,
    times: 2,
  })),
];

/** Once all is fetched: faults that the daemon logged, pages that it took while they drifted. */
export function tallyEposh({ simulators: { eposh }, victim, tally }: Storm): void {
  const failed = victim.said(/"(?:eposh_unavailable|eposh_bad_page|eposh_down)"/);
  tally.add("Eposh failing", Math.min(seenBy(eposh.faults, "Eposh failing"), failed));
  for (const date of drifting) {
    const taken = victim.said(new RegExp(`Fetched ${date}, page 2/`));
    tally.add("Eposh drifting", Math.min(seenBy(eposh.faults, `drift ${date}`), taken));
  }
}
