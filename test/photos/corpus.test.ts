import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { nikOf } from "../../src/simulator/people.ts";
import { cornersOf } from "../support/quarters.ts";
import { budi, type InProcessSite, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { writeContactSheet } from "./contact-sheet.ts";
import { corpus, fitName } from "./corpus.ts";

const samples = await corpus();
const accepted = samples.flatMap(({ name, wanted }) => ("refused" in wanted ? [] : [[name, wanted] as const]));
const refused = samples.flatMap(({ name, wanted }) => ("refused" in wanted ? [[name, wanted.refused] as const] : []));
const codeOf = (name: string) => nikOf(1 + samples.findIndex((one) => one.name === name), "1990-01-31");

let site: InProcessSite;
/** One person for each picture, all in one run. */
beforeAll(async () => {
  site = await startSite();
  for (const [number, { bytes }] of samples.entries())
    site.eposh.pictures.set(`/photos/corpus/${number}`, new Uint8Array(bytes));
  const people = samples.map(({ name }, number) =>
    budi(site, {
      identity_number: codeOf(name),
      kib_number: String(2_600_001 + number),
      photo: { link: `${site.eposh.origin}/photos/corpus/${number}` },
    }),
  );
  site.eposh.days.set("2026-01-01", people);
  const view = await site.induct({ from: "2026-01-01", to: "2026-01-01" });
  expect(view).toMatchObject({ through: samples.length, dead: 0 });
  // On a busy machine some faces follow.
  const hasAll = () => accepted.every(([name]) => receivedFor(name) !== undefined);
  await until(hasAll, { what: "all accepted pictures to arrive" });
});
afterAll(async () => {
  const { CONTACT_SHEET: folder } = process.env;
  if (folder)
    writeContactSheet(
      folder,
      samples.map((one) => ({ ...one, received: receivedFor(one.name) })),
    );
  await site[Symbol.asyncDispose]();
});

const receivedFor = (name: string) =>
  [...site.hikcentral.persons.values()].find(({ personCode }) => personCode === codeOf(name))?.picture;

describe("HikCentral receives", () => {
  test.each(accepted)("the whole picture of a %s, upright and in its colours", async (name, wanted) => {
    const face = receivedFor(name) ?? Buffer.of();
    const { width, height, format } = await new Bun.Image(face).metadata();
    expect({ format, size: `${width}×${height}`, corners: await cornersOf(face) }).toEqual({
      format: "jpeg",
      ...wanted,
    });
    expect(face.byteLength).toBeLessThan(200_000);
  });

  test("a JPEG that is fit already as it came, byte by byte", () => {
    const { bytes } = samples.find(({ name }) => name === fitName) ?? {};
    expect(Buffer.from(receivedFor(fitName) ?? []).equals(Buffer.from(bytes ?? [1]))).toBe(true);
  });

  test.each(refused)("no face from a %s, and the warning no_photo says why", (name, why) => {
    expect(receivedFor(name)).toBeUndefined();
    const warnings = site.entries.filter(({ code, outcome }) => code === codeOf(name) && outcome === "warning");
    expect(warnings.map(({ failure }) => failure)).toEqual([{ code: "no_photo", text: expect.stringMatching(why) }]);
  });
});
