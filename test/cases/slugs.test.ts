import { expect, test } from "bun:test";
import { budi, startSite } from "../support/site.ts";

test("a zone whose slug is a word of the language itself is an unknown zone like any other", async () => {
  await using site = await startSite();
  const slugs = ["__proto__", "constructor", "toString", "zona-i"];
  const fate = await site.employ(budi(site, { regionals: slugs.map((slug) => ({ name: slug, slug })) }));
  expect(fate).toEqual({ end: "done", warnings: ["unknown_regional", "unknown_regional", "unknown_regional"] });
  expect(site.atTheGate()).toMatchObject([{ groups: ["1"] }]);
});
