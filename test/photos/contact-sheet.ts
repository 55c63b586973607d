import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Sample } from "./corpus.ts";

export interface Received extends Sample {
  readonly received: Uint8Array | undefined;
}

/** A page for a person to look at: what went in, as a browser shows it, and beside it what HikCentral received. */
export function writeContactSheet(folder: string, pictures: readonly Received[]): void {
  const image = (bytes: Uint8Array) => `<img src="data:;base64,${Buffer.from(bytes).toString("base64")}">`;
  const cells = pictures.map(({ name, bytes, wanted, received }) => {
    const source = bytes.byteLength < 2e6 ? image(bytes) : `${(bytes.byteLength / 1e6).toFixed(0)} MB`;
    const result = received ? image(received) : `<i>${"refused" in wanted ? wanted.refused.source : "nothing"}</i>`;
    return `<figure>${source} ${result}<figcaption>${name}</figcaption></figure>`;
  });
  const style = `body { background: #ddd; font: 12px sans-serif } figure { display: inline-block; width: 230px; margin: 4px }
    img { max-width: 105px; max-height: 105px; vertical-align: middle; outline: 1px solid #999 }`;
  writeFileSync(
    join(folder, "contact-sheet.html"),
    `<!doctype html><meta charset="utf-8"><style>${style}</style>${cells.join("\n")}`,
  );
}
