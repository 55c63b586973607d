import { describe, expect, test } from "bun:test";
import { instead } from "../../src/simulator/fault-server.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

describe("verify", () => {
  test("ends with 0 when all agree, and with 1 naming by KIB who is missing what; it writes nothing", async () => {
    await using site = await startSite({ as: "binary", people: 12 });
    const { hikcentral } = site;
    await site.induct();
    const written = hikcentral.writes.length;
    const good = await site.cli("verify");
    expect(good).toMatchObject({
      exit: 0,
      out: expect.stringMatching(/^persons +12 +0\nfaces +12 +0\nKIB +12 +0\naccess +12 +0$/m),
    });

    const [gone, faceless, renumbered, lockedOut] = [...hikcentral.persons.values()];
    if (!gone || !faceless || !renumbered || !lockedOut) throw new Error("nobody was inducted");
    const kibs = [gone, faceless, renumbered, lockedOut].map(({ customFields }) => customFields["1"]);
    hikcentral.persons.delete(gone.personId);
    faceless.picture = undefined;
    renumbered.customFields["1"] = "999";
    for (const { members } of hikcentral.groups.values()) members.delete(lockedOut.personId);
    const { exit, out } = await site.cli("verify --from 2026-01-01 --to 2026-01-19");
    expect(out).toMatch(/^persons +11 +1\nfaces +10 +2\nKIB +10 +2\naccess +10 +2$/m);
    for (const [at, text] of ["no such person", "no face", "KIB is 999", "not in privilege group "].entries())
      expect(out).toMatch(new RegExp(`^KIB ${kibs[at]}, .*: ${text}`, "m"));
    expect({ exit, out }).toEqual({ exit: 1, out: expect.not.stringMatching(/\d{16}/) });
    const sentence = "differ on 4 of 12 employees. `hikvision-sync verify --fix` adds what is missing for 3 of them.\n";
    expect(out).toEndWith(sentence);
    const one = await site.cli(["verify", "--json", "--kib", String(kibs[1])]);
    expect({ exit: one.exit, ...one.json() }).toMatchObject({
      exit: 1,
      employees: 1,
      differences: [{ what: "face", kib: kibs[1], text: "no face", canBeFixed: true }],
    });
    expect(one.out).not.toMatch(/\d{16}/);
    const dry = await site.cli("verify --fix --dry-run");
    expect(dry).toMatchObject({ exit: 1, err: expect.stringContaining("would run 2026-01-") });
    expect(hikcentral.writes).toHaveLength(written);
    expect(hikcentral.applied).toEqual([]);

    await site.cli("verify --fix");
    const isFixed = async () => (await site.cli("verify")).out.includes("differ on 1 of 12 employees");
    await until(isFixed, { everyMs: 1_000, what: "all but the access to be there again" });
    // Who took the access away is a human, for all that is known.
    expect([...hikcentral.groups.values()].some(({ members }) => members.has(lockedOut.personId))).toBe(false);
  });

  test.each([
    ["Eposh fails", "eposh", instead("500", "", { status: 500 }), "Eposh answered HTTP 500"],
    [
      "HikCentral refuses the key",
      "hikcentral",
      instead("key", '{"code":"0x02401001","msg":"appKey"}'),
      "hikcentral.app_key",
    ],
  ] as const)("ends with 69 where %s, and says so", async (_, name, fault, text) => {
    await using site = await startSite({ as: "binary", people: 3, start: false });
    site[name].faults.set(fault);
    const { exit, out, err } = await site.cli("verify");
    expect({ exit, out, err }).toEqual({ exit: 69, out: "", err: expect.stringContaining(text) });
  });

  test.each([
    ["--to 2026-01-03", "--from is missing"],
    ["--from 2026-01-03 --to 2026-01-01", "from"],
    ["--from 2025-01-01 --to 2026-01-01", "92"],
    ["--dry-run", "--fix"],
  ])("%s ends with 64", async (words, text) => {
    await using site = await startSite({ as: "binary", start: false });
    const { exit, err } = await site.cli(`verify ${words}`);
    expect({ exit, err }).toEqual({ exit: 64, err: expect.stringContaining(text) });
  });
});
