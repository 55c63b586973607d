import { badPages, type startEposh } from "../../src/simulator/eposh.ts";
import { refusals } from "../../src/simulator/hikcentral.ts";
import type { Fault } from "../../src/simulator/server.ts";
import { sumOf } from "../support/prometheus.ts";
import type { RabbitNode } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";
import type { Disk } from "./disk.ts";
import type { Site } from "./site.ts";

/** One stretch of bad weather: it ends by itself, and has told the tally what the victim saw of it. */
export interface Spell {
  name: string;
  blow(site: Site): Promise<void>;
}

const seenBy = ({ seen }: { seen: Record<string, number> }, name: string) => seen[name] ?? 0;

/** Faults of HikCentral, each for so many calls; where nothing calls any more, there is more to do. */
const calls = (...faults: (Fault & { name: string; times: number })[]): Spell => ({
  name: faults.map(({ name }) => name).join(" and "),
  async blow({ simulators: { hikcentral }, tally, moreWork }) {
    const before = faults.map(({ name }) => seenBy(hikcentral.faults, name));
    const hits = () => faults.map(({ name }, at) => seenBy(hikcentral.faults, name) - (before[at] ?? 0));
    hikcentral.faults.set(...faults);
    const allHit = () => hits().every((hit, at) => hit >= (faults[at]?.times ?? 0));
    for (let tries = 0; tries < 3; tries++) {
      const done = await until(allHit, { timeoutMs: 3_000 }).catch(() => false);
      if (done) break;
      await moreWork();
    }
    hikcentral.faults.set();
    for (const [at, hit] of hits().entries()) tally.add(`HikCentral ${faults[at]?.name}`, hit);
  },
});

const named = (fault: Fault, name: string, times: number) => ({ ...fault, name, times });

const refusing: Spell = {
  name: "refusing",
  async blow({ simulators: { hikcentral }, victim, tally, dice, moreWork }) {
    const refused = async () =>
      sumOf(await victim.metrics(), "hikvision_sync_hikcentral_call_seconds_count", { code: "unconnected" });
    for (let tries = 0; tries < 3; tries++) {
      const { pid } = victim.life;
      const before = await refused().catch(() => 0);
      await hikcentral.down();
      await Bun.sleep(dice.between(300, 900));
      const seen = await refused().catch(() => 0);
      await hikcentral.up();
      if (victim.isLife(pid) && seen > before) return tally.add("HikCentral refusing", seen - before);
      await moreWork();
    }
  },
};

const photosDown: Spell = {
  name: "photo host down",
  async blow({ simulators: { eposh }, tally, dice, moreWork, fetched }) {
    await fetched();
    await moreWork();
    const name = "photo host down";
    const before = seenBy(eposh.faults, name);
    eposh.faults.set({ kind: "reset", name, match: "/photos/" }, { kind: "reset", name: "Eposh down" });
    await until(() => seenBy(eposh.faults, name) > before, { timeoutMs: 3_000 }).catch(() => {});
    await Bun.sleep(dice.between(200, 600));
    eposh.faults.set();
    tally.add(name, seenBy(eposh.faults, name) - before);
  },
};

/** As a machine whose time was wrong for a while. */
const clock: Spell = {
  name: "clock",
  async blow({ victim, tally, dice, moreWork }) {
    for (const jump of ["away", "back"]) {
      const offsetMs = jump === "back" ? 0 : (dice.between(0, 1) * 2 - 1) * dice.between(1, 48) * 3_600_000;
      victim.setClock(offsetMs);
      const seen = () => victim.saysTimeOff(offsetMs);
      await moreWork();
      if (await until(seen, { timeoutMs: 4_000 }).catch(() => false)) tally.add("clock jumps");
    }
  },
};

/** kill -9 of RabbitMQ while messages come back from their wait queues, now and then of the daemon with it. */
export const brokerKill = (rabbit: RabbitNode, atOnce: boolean): Spell => ({
  name: "broker kill",
  async blow({ simulators: { hikcentral }, victim, tally, moreWork, killDaemon }) {
    await moreWork();
    const before = seenBy(hikcentral.faults, "busy");
    hikcentral.faults.set({ ...refusals.busy, times: 12 });
    await until(() => seenBy(hikcentral.faults, "busy") >= before + 8, { timeoutMs: 5_000 }).catch(() => {});
    await Bun.sleep(100);
    const killed = rabbit.kill();
    if (atOnce) await killDaemon();
    await killed;
    const away = async () => (await victim.get("/readyz")).broker === "connecting";
    const seen = await until(away, { timeoutMs: 5_000 }).catch(() => false);
    await rabbit.restart();
    hikcentral.faults.set();
    if (seen) tally.add("broker kills");
  },
});

export const diskFull = (disk: Disk): Spell => ({
  name: "disk full",
  async blow({ victim, tally, moreWork, dice }) {
    for (let times = 0; times < 5; times++) {
      await moreWork();
      await disk.fill();
      const full = async () => /cannot be written/.test(String((await victim.get("/readyz")).trouble));
      const seen = await until(full, { timeoutMs: 3_000 }).catch(() => false);
      await Bun.sleep(dice.between(0, 300));
      await disk.free();
      if (seen) tally.add("disk full");
    }
  },
});

export const spells: readonly Spell[] = [
  calls(named({ kind: "hang" }, "hanging", 3)),
  calls(named({ kind: "reset" }, "resetting", 6)),
  calls(named(refusals["5xx"], "5xx", 4)),
  calls(named(refusals.html, "HTML", 4)),
  calls(named(refusals.busy, "busy", 4)),
  calls(named(refusals.exception, "code 5", 3)),
  calls(named({ ...refusals.wrongKey, match: "personInfo" }, "wrong key", 3), named(refusals.licence, "licence", 3)),
  calls(named({ kind: "lost", share: 0.3 }, "answers lost", 8)),
  refusing,
  photosDown,
  clock,
];

/** Set before the first trigger: each date drifts twice at most, because a third fetch must be whole. */
export const eposhFaults: readonly Fault[] = [
  { kind: "answer", name: "Eposh failing", match: "page=2&", status: 500, body: "Server Error", times: 2 },
  { ...badPages.html, name: "Eposh failing", match: "page=3&", times: 1 },
  { kind: "lost", name: "Eposh failing", match: "page=2&", times: 1 },
  ...["2026-01-04", "2026-01-10", "2026-01-13"].map((date) => ({
    kind: "drift" as const,
    name: "Eposh drifting",
    match: `induction_date=${date}&include_base64=false&page=2&`,
    times: 2,
  })),
];

export const tallyEposh = ({ faults }: Pick<Awaited<ReturnType<typeof startEposh>>, "faults">) =>
  ["Eposh failing", "Eposh drifting"].map((name) => [name, seenBy(faults, name)] as const);
