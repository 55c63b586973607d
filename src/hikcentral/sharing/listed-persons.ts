import type { Person } from "../../people/types.ts";

type Shown = Omit<Person, "raw">;

export interface ListedPerson {
  readonly person: Shown;
  /** When its page was asked for, in ms. */
  readonly at: number;
}

interface Pack {
  readonly at: number;
  readonly bytes: Uint8Array;
}

/** More persons to a pack take less memory, and each look more time: 0.1 ms where the pack is not unpacked yet. */
const packSize = 100;
/** Those who come together stand together in the list. */
const maxUnpacked = 8;

/**
 * The persons of one list of HikCentral, by the key of their personCode. There may be tens of thousands: they are kept
 * packed, at about 150 bytes each.
 */
export class ListedPersons {
  readonly #packs: Pack[] = [];
  /** Hash of the key → its place. Two keys may have the same hash: who is found is compared. */
  readonly #placeOf = new Map<number, number>();
  readonly #unpacked = new Map<Pack, readonly string[]>();

  constructor(readonly begunAt: number) {}

  /** A page that was asked for at `at`. */
  add(page: readonly (readonly [key: string, person: Shown])[], at: number): void {
    for (let from = 0; from < page.length; from += packSize) {
      const packed = page.slice(from, from + packSize);
      for (const [index, [key]] of packed.entries())
        this.#placeOf.set(hashOf(key), this.#packs.length * packSize + index);
      const text = packed.map((one) => JSON.stringify(one)).join("\n");
      this.#packs.push({ at, bytes: Bun.zstdCompressSync(text, { level: 1 }) });
    }
  }

  /** Also true of very few others. */
  has(key: string): boolean {
    return this.#placeOf.has(hashOf(key));
  }

  get(key: string): ListedPerson | undefined {
    const place = this.#placeOf.get(hashOf(key));
    const pack = place === undefined ? undefined : this.#packs[Math.floor(place / packSize)];
    if (place === undefined || pack === undefined) return undefined;
    const [found, person] = JSON.parse(this.#textsOf(pack)[place % packSize] ?? "[]") as [string?, Shown?];
    return found === key && person ? { person, at: pack.at } : undefined;
  }

  forget(key: string): void {
    this.#placeOf.delete(hashOf(key));
  }

  #textsOf(pack: Pack): readonly string[] {
    const known = this.#unpacked.get(pack);
    if (known) return known;
    const texts = new TextDecoder().decode(Bun.zstdDecompressSync(pack.bytes)).split("\n");
    this.#unpacked.set(pack, texts);
    const [oldest] = this.#unpacked.keys();
    if (oldest && this.#unpacked.size > maxUnpacked) this.#unpacked.delete(oldest);
    return texts;
  }
}

const hashOf = (key: string) => Bun.hash.xxHash32(key);
