import type { ShownPerson } from "../../people/types.ts";

export interface PackedPerson {
  /** Of the personCode. */
  readonly key: string;
  readonly person: ShownPerson;
  /** When HikCentral was asked, in ms. */
  readonly at: number;
}

/** More persons to a pack take less memory, and each look more time: 0.1 ms where the pack is not unpacked yet. */
const packSize = 100;
/** The newest wait so long, as they may soon be written again. */
const maxLoose = 3 * packSize;
/** Nobody keeps more. */
const maxPacks = 300;
/** Those who come together stand together. */
const maxUnpacked = 8;

/** Thousands of persons, in the order in which they come: compressed, at about 150 bytes each. */
export class PackedPersons {
  /** By their numbers; nobody in it is newer than `at`. */
  readonly #packs = new Map<number, { readonly bytes: Uint8Array; readonly at: number }>();
  readonly #unpacked = new Map<number, readonly string[]>();
  /** The newest, as JSON; "" where it was dropped. */
  #loose: string[] = [];
  #packed = 0;

  /** Returns the person's place. */
  add({ key, person, at }: PackedPerson): number {
    const place = this.#packed + this.#loose.length;
    this.#loose.push(JSON.stringify([key, at, person]));
    if (this.#loose.length >= maxLoose) this.#pack(at);
    return place;
  }

  get(place: number): PackedPerson | undefined {
    const text = place < this.#packed ? this.#textsAt(place)?.[place % packSize] : this.#loose[place - this.#packed];
    if (!text) return undefined;
    const [key, at, person] = JSON.parse(text) as [string, number, ShownPerson];
    return { key, person, at };
  }

  /** It need not be kept any more. */
  drop(place: number): void {
    if (place >= this.#packed) this.#loose[place - this.#packed] = "";
  }

  /** The packs in which nobody is newer. */
  dropBefore(time: number): void {
    for (const [number, { at }] of this.#packs) {
      if (at >= time && this.#packs.size <= maxPacks) break;
      this.#packs.delete(number);
      this.#unpacked.delete(number);
    }
  }

  #textsAt(place: number): readonly string[] | undefined {
    const number = Math.floor(place / packSize);
    const known = this.#unpacked.get(number);
    const pack = this.#packs.get(number);
    if (known || !pack) return known;
    const texts = new TextDecoder().decode(Bun.zstdDecompressSync(pack.bytes)).split("\n");
    this.#unpacked.set(number, texts);
    const [oldest] = this.#unpacked.keys();
    if (oldest !== undefined && this.#unpacked.size > maxUnpacked) this.#unpacked.delete(oldest);
    return texts;
  }

  #pack(at: number): void {
    const texts = this.#loose.splice(0, packSize);
    this.#packs.set(this.#packed / packSize, { bytes: Bun.zstdCompressSync(texts.join("\n"), { level: 1 }), at });
    this.#packed += packSize;
  }
}
