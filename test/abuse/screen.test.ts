import { afterAll, beforeAll, expect, test } from "bun:test";
import { budi, type Site, startSite } from "../support/site.ts";

/** What a terminal obeys, and what forges a line. */
const attempts = {
  "clears the screen": "\x1b[2J\x1b[H",
  "sets the clipboard": "\x1b]52;c;cm0gLXJmIC8=\x07",
  "goes back to the start of the line": "\rthrough",
  "C1 in place of ESC [": "\x9b2J",
  "begins a line": "\n<0>2026-01-05 forged",
  "a line separator": "\u2028<0>forged",
  "turns the direction": "\u202edrowssap\u2066",
} as const;
const everything = Object.values(attempts).join("");
/** All control characters but the ends of lines, and all that forges one. */
const obeyed = /[^\P{Cc}\n\t]|[\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
const niks = ["3500003101900001", "3500003101900002", "3500003101900003"];
const date = "2026-01-05";

let site: Site;
afterAll(async () => await site?.[Symbol.asyncDispose]());
beforeAll(async () => {
  site = await startSite({ as: "binary", people: 0, env: { LOG_FORMAT: "journal" } });
  const zones = [{ name: `Zona ${everything}`, slug: `zona-${everything}` }];
  site.eposh.days.set(date, [
    budi(site, { identity_number: niks[0], name: `Budi ${everything} Contoh`, kib_number: everything }),
    budi(site, { identity_number: niks[1], name: `Siti ${everything}`, kib_number: "2600002", regionals: zones }),
    budi(site, { identity_number: everything, name: `Agus ${everything}`, kib_number: `26${everything}` }),
    budi(site, { identity_number: niks[2], name: "Dewi Contoh", kib_number: "2600004" }),
    budi(site, { identity_number: null, name: "王伟".repeat(50), kib_number: "王".repeat(50) }),
  ]);
  await site.induct({ from: date, to: date });
}, 60_000);

/** The keys that the site was given, and the NIKs. */
const secrets = () => {
  const keys = ["EPOSH_API_KEY", "EPOSH_APP_ID", "HIKCENTRAL_APP_KEY", "HIKCENTRAL_APP_SECRET"] as const;
  return [...niks, ...keys.map((key) => site.env[key] ?? "")].filter((secret) => secret !== "");
};

async function deadIds(): Promise<string[]> {
  const { groups } = (await site.get("/dead")).body as { groups: { ids: string[] }[] };
  return groups.flatMap(({ ids }) => ids);
}

test("the attempts got as far as the ledger, the dead letters and HikCentral", async () => {
  const stored = JSON.stringify([(await site.get("/dead")).body, (await site.get("/runs")).body]);
  expect(stored).toContain("[2J");
  expect((await deadIds()).length).toBeGreaterThan(0);
});

test("dead list and each dead show fit on 80 columns, but for the message itself", async () => {
  const ids = await deadIds();
  for (const line of [["dead", "list"], ...ids.map((id) => ["dead", "show", id])]) {
    const [text = ""] = (await site.cli(line)).out.split("\n  {\n");
    expect(text).toContain("→");
    expect(text.split("\n").filter((one) => Bun.stringWidth(one) > 80)).toEqual([]);
  }
});

const commands: [string, () => string[][] | Promise<string[][]>][] = [
  ["status", () => [["status"], ["status", "--json"]]],
  ["runs", () => [["runs"], ["runs", "--json"]]],
  [
    "dead list",
    () => [
      ["dead", "list"],
      ["dead", "list", "--json"],
    ],
  ],
  [
    "dead show",
    async () =>
      (await deadIds()).flatMap((id) => [
        ["dead", "show", id],
        ["dead", "show", id, "--json"],
      ]),
  ],
  [
    "trace",
    () => [
      ["trace", everything],
      ["trace", "2600002"],
      ["trace", "2600002", "--json"],
    ],
  ],
  ["trigger", () => [["trigger", "--from", date, "--to", date]]],
  ["verify", () => [["verify", "--from", date, "--to", date]]],
  ["changes", () => [["changes"], ["changes", "--csv"], ["changes", "--json"]]],
  [
    "dead replay",
    () => [
      ["dead", "replay", "--dry-run"],
      ["dead", "replay", "--run", everything],
    ],
  ],
  ["config print, check, doctor and stages", () => [["config", "print"], ["check"], ["doctor", "--json"], ["stages"]]],
  ["pause of a stage that is none", () => [["pause", everything]]],
];

test.each(commands)("%s prints nothing that a terminal obeys, no key and no NIK", async (_, lines) => {
  for (const line of await lines()) {
    const { out, err } = await site.cli(line);
    expect(out + err).not.toBe("");
    expect(out + err).not.toMatch(obeyed);
    expect(out + err).not.toMatch(/^(<0>|2026-01-05 forged|through)/m);
    for (const secret of secrets()) expect(out + err).not.toContain(secret);
  }
});

test.each(["/status", "/dead", "/runs", "/metrics", "/readyz", `/runs/${encodeURIComponent(everything)}`])(
  "GET %j answers nothing that a terminal obeys",
  async (path) => {
    const text = await (await site.fetch(path)).text();
    expect(text).not.toMatch(obeyed);
    for (const secret of secrets()) expect(text).not.toContain(secret);
  },
);

test("every entry of the log is one of the daemon's", () => {
  expect(site.output()).toContain("Siti");
  expect(site.output()).not.toMatch(obeyed);
  for (const secret of secrets()) expect(site.output()).not.toContain(secret);
  const lines = site.output().split("\n").filter(Boolean);
  expect(lines.filter((line) => !/^<[3467]>/.test(line))).toEqual([]);
});
