import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { todayIn } from "../../src/config/dates.ts";
import { readConfig } from "../../src/config/load.ts";
import type { WhoAnswer } from "../../src/operator/who/answer.ts";
import { languageOf } from "../../src/operator/words/language.ts";
import { employee } from "../../src/simulator/people.ts";
import { type InProcessSite, startSite } from "../support/site.ts";

const today = todayIn("Asia/Jakarta");
const nik = "3501014505900042";
let site: InProcessSite;

beforeAll(async () => {
  site = await startSite();
  const link = `${new URL(site.eposh.url).origin}/photos/kib/-1767600001.png`;
  const names = ["Wati Halim", `O"Brien Nur'aini Rahma`, ...Array.from({ length: 11 }, () => "Agus Salim")];
  const people = names.map((name, at) => ({ ...employee(at + 1, 0, link), name }));
  site.eposh.days.set(today, [{ ...people[0], identity_number: nik }, ...people.slice(1)]);
  await site.induct({ from: today, to: today });
}, 120_000);
afterAll(() => site[Symbol.asyncDispose]());

async function who(key: string): Promise<WhoAnswer[]> {
  const startedAt = performance.now();
  const { body } = await site.post("/who", { key });
  expect(performance.now() - startedAt).toBeLessThan(10_000);
  return (body as unknown as { people: WhoAnswer[] }).people;
}

describe("who", () => {
  test("reads in HikCentral whether somebody can enter while Eposh does not answer: by KIB, name and NIK", async () => {
    for (const kind of ["hang", "reset"] as const) {
      site.eposh.faults.set({ kind });
      for (const key of ["2600001", "Wati", nik]) {
        const [found] = await who(key);
        const { sentence } = found ?? {};
        expect({ key, sentence }).toEqual({
          key,
          sentence: "Wati Halim (KIB 2600001) can enter: face and access are there",
        });
      }
    }
    site.eposh.faults.set();
  });

  test("claims nothing about anybody while neither of the two answers", async () => {
    site.eposh.faults.set({ kind: "reset" });
    site.hikcentral.faults.set({ kind: "reset" });
    for (const key of ["2600001", nik]) {
      const [found] = await who(key);
      expect(found).toMatchObject({ canEnter: null, sentence: expect.stringContaining("does not answer now.") });
    }
    site.eposh.faults.set();
    site.hikcentral.faults.set();
  });

  test("finds a name with quotes as it is written on the card, and as HikCentral has to write it", async () => {
    for (const key of [`o"brien`, "Nur'aini", "nur’aini rahma"])
      expect(await who(key)).toMatchObject([{ kib: "2600002", canEnter: true }]);
  });

  test("says in the language of the operator how many more have the name, and what a key must be", async () => {
    const { err, exit } = await site.cli("who Agus Salim --lang id");
    expect(err).toContain("Ada 1 orang lagi dengan nama ini");
    expect(exit).toBe(0);
    const nobody = await site.cli("who Tidak Ada");
    expect(nobody).toMatchObject({ exit: 1, out: "" });
    for (const key of ["  ", "A".repeat(101)])
      expect(await site.cli(["who", key])).toMatchObject({ exit: 64, err: expect.stringContaining("at most 100") });
  });

  test("does not say that access is missing while one group's list of members does not come", async () => {
    // Another generation has read no list yet.
    await site.daemon.reload(readConfig({ env: site.env, defaultFile: "/nonexistent" }));
    const { persons, groups } = site.hikcentral;
    const [personId = ""] = [...persons].find(([, { customFields }]) => customFields["1"] === "2600001") ?? [];
    const own = [...groups].filter(([, { members }]) => members.has(personId));
    const faults = own.map(([id]) => ({
      match: "group/single/personList",
      holds: `"privilegeGroupId":"${id}"`,
    }));
    const busy = { kind: "answer", body: '{"code":"7","msg":"busy"}' } as const;
    site.hikcentral.faults.set(...faults.map((fault) => ({ ...busy, ...fault })));
    const [found] = await who("2600001");
    expect(site.hikcentral.faults.seen.answer).toBe(own.length);
    expect(found).toMatchObject({ canEnter: null, sentence: expect.stringContaining("does not answer now.") });
    site.hikcentral.faults.set();
  });
});

test.each([
  ["id-ID,id;q=0.9,en-US;q=0.8", "id"],
  ["en;q=0.1, id", "id"],
  ["in-ID", "id"],
  ["id_ID.UTF-8", "id"],
  ["id;q=0, en;q=0.2", "en"],
  ["fr, *;q=0.5", "en"],
])("%p asks for %s", (accepted, language) => {
  expect(languageOf(accepted)).toBe(language as "en" | "id");
});
