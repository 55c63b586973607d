import { comparisonKinds } from "./comparison.ts";
import { kindsOfEveryOther, kindsOfEveryStorm } from "./weather/bulk.ts";

/** How often each must be seen to hit in ten storms. */
const wanted: Readonly<Record<string, number>> = {
  "daemon kills": 20,
  "broker kills": 5,
  "of them as retry queues came due": 1,
  "of them with the daemon": 1,
  "confirms lost": 10,
  "HikCentral refusing": 20,
  "HikCentral hanging": 20,
  "HikCentral resetting": 20,
  "HikCentral 5xx": 20,
  "HikCentral HTML": 20,
  "HikCentral busy": 20,
  "HikCentral code 5": 20,
  "HikCentral wrong key": 20,
  "HikCentral licence": 20,
  "HikCentral answers lost": 20,
  "Eposh failing": 20,
  "Eposh drifting": 20,
  "photo host down": 20,
  "disk full": 12,
  "clock jumps": 20,
  ...Object.fromEntries([...kindsOfEveryStorm, ...comparisonKinds].map((kind) => [kind, 10])),
  ...Object.fromEntries(kindsOfEveryOther.map((kind) => [kind, 5])),
};

/** How often each kind of fault was seen to hit, on the victim's side. */
export class Tally {
  readonly counts = new Map<string, number>();
  /** What became of everybody. */
  readonly storms: { seed: number; people: number; lost: number; doubled: number; expected: number; found: number }[] =
    [];

  /** What is added counts in the other one too. */
  constructor(readonly whole?: Tally) {}

  add(kind: string, times = 1): void {
    if (times > 0) this.counts.set(kind, (this.counts.get(kind) ?? 0) + times);
    this.whole?.add(kind, times);
  }

  /** Kinds that were seen less often than so many storms must show. */
  short(storms: number, withoutDisk: boolean): string[] {
    return Object.entries(wanted).flatMap(([kind, inTen]) => {
      // Rounded down: what is wanted once in ten storms may stay away in three. Of a few storms one on a busy machine may
      // spend a whole spell in a pause, where nobody calls.
      const share = Math.floor((inTen * storms) / 10);
      const least = storms < 10 ? Math.min(1, share) : share;
      const seen = this.counts.get(kind) ?? 0;
      return seen >= least || (withoutDisk && kind === "disk full") ? [] : [`${kind}: ${seen} of ${least}`];
    });
  }

  /** Faults × what became of everybody; every storm blows all kinds, so each row has the sums of all storms. */
  table(where: string): string[] {
    const sum = (of: "people" | "lost" | "doubled" | "expected" | "found") =>
      this.storms.reduce((total, storm) => total + storm[of], 0);
    const ends = [sum("people"), sum("lost"), sum("doubled"), sum("expected"), sum("found")];
    const rows = [...this.counts].map(([kind, count]) => [kind, count, ...ends]);
    const titles = ["fault", "seen", "people", "lost", "doubled", "dead letters expected", "found"];
    const seeds = this.storms.map(({ seed }) => seed).join(", ");
    return [`${where}, seeds ${seeds}`, ...[titles, ...rows].map((row) => `| ${row.join(" | ")} |`)];
  }
}

/** Seeded choices: the same seed, the same weather. */
export class Dice {
  constructor(readonly random: () => number) {}

  between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1));
  }

  shuffled<T>(all: readonly T[]): T[] {
    const left = [...all];
    return all.map(() => left.splice(this.between(0, left.length - 1), 1)[0] as T);
  }
}
