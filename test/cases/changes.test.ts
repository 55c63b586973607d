import { expect, test } from "bun:test";
import { nikOf } from "../../src/simulator/people.ts";
import { type Body, budi, type Site, startSite } from "../support/site.ts";

const [first, second] = ["2026-01-01", "2026-01-02"];
const dates = { from: first, to: second };
const joko = (site: Site, changes: Body = {}) =>
  budi(site, { name: "Joko Wibowo", identity_number: nikOf(42, "1990-01-31"), kib_number: "9200601", ...changes });
const other = (site: Site) => ({ link: `${site.eposh.origin}/photos/kib/-1767600009.png` });

test("every face, KIB number and name that was replaced is listed with its run, date and reason, and nothing else is", async () => {
  await using site = await startSite({ as: "binary" });
  site.eposh.days.set(first, [joko(site), budi(site)]);
  await site.induct(dates);
  expect((await site.get("/changes")).body).toEqual({ changes: [] });
  expect((await site.cli("changes")).out).toBe("nothing of a known person was replaced\n");

  const changed = { name: 'Joko "Jo" Wibowo', kib_number: "9200699", photo: other(site) };
  site.eposh.days.set(second, [joko(site, changed)]);
  const { run } = await site.induct(dates);
  await site.induct(dates);
  const { changes } = (await site.get("/changes")).body as { changes: Record<string, unknown>[] };
  const reason = "another induction: 2026-01-02 instead of 2026-01-01";
  const all = { run, inducted: second, reason };
  const mark = expect.stringMatching(/^[0-9a-f]{8}$/);
  expect(changes.map(({ what }) => what).sort()).toEqual(["face", "kib", "name"]);
  expect(changes.find(({ what }) => what === "face")).toMatchObject({ ...all, from: mark, to: mark, kib: "9200699" });
  expect(changes.find(({ what }) => what === "name")).toMatchObject({
    ...all,
    from: "Joko Wibowo",
    to: "Joko Jo Wibowo",
  });
  const together = { run, reason: "with the other data of this record" };
  expect(changes.find(({ what }) => what === "kib")).toMatchObject({ ...together, from: "9200601", to: "9200699" });
  expect(await site.sum("overwrites_total")).toBe(3);
  expect(await site.sum("overwrites_total", { what: "face" })).toBe(1);

  const listed = async (query: string) => ((await site.get(`/changes?${query}`)).body.changes as unknown[]).length;
  expect(await listed("kib=9200601")).toBe(3);
  expect(await listed("kib=2600001")).toBe(0);
  expect(await listed("since=2999-01-01")).toBe(0);
  expect((await site.get("/changes?since=nonsense")).status).toBe(400);

  const { out } = await site.cli("changes --kib 9200699");
  const line =
    /^\d{4}-\d\d-\d\d \d\d:\d\d +9200699 +Joko Jo Wibowo +kib +2026-01-02\n {2}9200601 → 9200699: with the other/m;
  expect(out).toMatch(line);
  expect(Math.max(...out.split("\n").map((one) => Bun.stringWidth(one)))).toBeLessThanOrEqual(80);
  const csv = (await site.cli("changes --csv")).out.trim().split("\n");
  expect(csv).toHaveLength(4);
  expect(csv[0]).toBe("at,kib,name,what,from,to,inducted,run,reason");
  await site.stop();
  expect((await site.cli("changes --json")).json().changes).toEqual(changes);
});
