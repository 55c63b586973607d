import type { Database } from "bun:sqlite";

/** Stages and reasons are few, and each is in the file once. */
const maxWords = 1_000;
const maxLength = 200;

export class Words {
  readonly #ids = new Map<string, number>();
  readonly #texts = new Map<number, string>();

  constructor(readonly db: Database) {}

  /** Of a reason; undefined where there are too many already. */
  reason(text: string): number | undefined {
    const isKnown = this.#known(text) !== undefined;
    return isKnown || (this.#ids.size < maxWords && text.length <= maxLength) ? this.idOf(text) : undefined;
  }

  idOf(text: string): number {
    const known = this.#known(text);
    if (known !== undefined) return known;
    const id = Number(this.db.query("insert into words (text) values (?)").run(text).lastInsertRowid);
    this.#keep(id, text);
    return id;
  }

  textOf(id: number): string {
    if (!this.#texts.has(id)) this.#read();
    return this.#texts.get(id) ?? "";
  }

  /** What was added in a transaction that failed is not there. */
  forget(): void {
    this.#ids.clear();
    this.#texts.clear();
  }

  #known(text: string): number | undefined {
    if (this.#ids.size === 0) this.#read();
    return this.#ids.get(text);
  }

  #read(): void {
    const all = this.db.query<{ id: number; text: string }, []>("select id, text from words").all();
    for (const { id, text } of all) this.#keep(id, text);
  }

  #keep(id: number, text: string): void {
    this.#ids.set(text, id);
    this.#texts.set(id, text);
  }
}
