/** How often each kind of fault was seen to hit, on the victim's side. */
export class Tally {
  readonly counts = new Map<string, number>();

  add(kind: string, times = 1): void {
    if (times > 0) this.counts.set(kind, (this.counts.get(kind) ?? 0) + times);
  }

  /** Kinds that were seen less often than they must be. */
  short(wanted: Readonly<Record<string, number>>): string[] {
    return Object.entries(wanted).flatMap(([kind, least]) => {
      const seen = this.counts.get(kind) ?? 0;
      return seen < least ? [`${kind}: ${seen} of ${least}`] : [];
    });
  }

  toString(): string {
    return [...this.counts].map(([kind, count]) => `${count} ${kind}`).join(", ");
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
