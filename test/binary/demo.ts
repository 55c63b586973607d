import { expect, test } from "bun:test";
import { run } from "../support/binary.ts";

export const nik = /\d{16}/;

const agrees = (people: number) =>
  ["persons", "faces", "KIB", "access"].map((row) => expect.stringMatching(new RegExp(`^${row} +${people} +0$`)));

/** A demo of so many people, who all agree in the end. */
export const testDemo = (where: string, people: number, words: string) =>
  test(`demo --once ${where} ends with 0 within 3 minutes, and all agree`, async () => {
    const { exit, out, err } = await run(`demo --once${words}`);
    expect(out.split("\n"), err).toEqual(expect.arrayContaining([...agrees(people), `All ${people} employees agree`]));
    for (const row of [/^warnings +0$/m, /^dead letters +0$/m, /^seconds +\d+\.\d$/m]) expect(out).toMatch(row);
    expect({ exit, out }).toEqual({ exit: 0, out: expect.not.stringMatching(nik) });
  }, 180_000);
