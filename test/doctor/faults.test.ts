import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { badPages } from "../../src/simulator/eposh.ts";
import { instead } from "../../src/simulator/fault-server.ts";
import { refusals } from "../../src/simulator/hikcentral.ts";
import { selfSigned } from "../hikcentral/certificate.ts";
import { smallDisk } from "../support/disk.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { type Site, startSite } from "../support/site.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { doctor } from "./findings.ts";

let site: Site;
const opened = new AsyncDisposableStack();
beforeAll(async () => {
  site = opened.use(await startSite({ as: "binary", people: 20, start: false }));
});
afterAll(() => opened.disposeAsync());

type Change = Readonly<Record<string, string>>;
/** Brings the fault about, and tells what has to be in the environment besides. */
type Bring = (site: Site) => Change | Promise<Change>;

const own = selfSigned();
const front = async (origin: string) => opened.use(await startTlsFront(origin, own)).origin;
const refusal = (code: string) => JSON.stringify({ code, msg: "Operation failed", data: "" });
const minutes = 60_000;

function brokenStage(): Change {
  const folder = join(temporaryFolder(), "stages");
  mkdirSync(folder, { mode: 0o755 });
  writeFileSync(join(folder, "gate-log.ts"), "export default {\n", { mode: 0o644 });
  return { STAGES_FOLDER: folder };
}

const table: readonly [fault: string, named: string, bring: Bring][] = [
  ["Eposh's name does not resolve", "Eposh: name_not_resolved", () => ({ EPOSH_URL: "http://name.invalid/employees" })],
  [
    "HikCentral's name does not resolve",
    "HikCentral: name_not_resolved",
    () => ({ HIKCENTRAL_URL: "https://name.invalid" }),
  ],
  ["Eposh's port is closed", "Eposh: port_closed", () => ({ EPOSH_URL: "http://127.0.0.1:1/employees" })],
  ["HikCentral's port is closed", "HikCentral: port_closed", () => ({ HIKCENTRAL_URL: "https://127.0.0.1:1" })],
  [
    "Eposh's certificate is untrusted",
    "Eposh: eposh_untrusted",
    async ({ eposh }) => ({ EPOSH_URL: eposh.url.replace(eposh.origin, await front(eposh.origin)) }),
  ],
  [
    "HikCentral's certificate is untrusted",
    "HikCentral: hikcentral_untrusted",
    async ({ hikcentral }) => ({ HIKCENTRAL_URL: await front(hikcentral.origin) }),
  ],
  [
    "HikCentral's certificate has changed",
    "HikCentral: hikcentral_certificate_changed",
    async ({ hikcentral }) => ({
      HIKCENTRAL_URL: await front(hikcentral.origin),
      HIKCENTRAL_FINGERPRINT: selfSigned().sha256,
    }),
  ],
  [
    "HikCentral's clock is six minutes ahead",
    "HikCentral: clock_off",
    ({ hikcentral }) => {
      hikcentral.faults.set({ kind: "clock", minMs: 6 * minutes });
      return {};
    },
  ],
  [
    "Eposh's clock is six minutes behind",
    "Eposh: clock_off",
    ({ eposh }) => {
      eposh.faults.set({ kind: "clock", minMs: -6 * minutes });
      return {};
    },
  ],
  ["wrong key", "HikCentral: hikcentral_wrong_key", () => ({ HIKCENTRAL_APP_KEY: "another-key" })],
  ["wrong secret", "HikCentral: hikcentral_wrong_signature", () => ({ HIKCENTRAL_APP_SECRET: "another-secret" })],
  [
    "wrong key, said by a gateway of version 3",
    "HikCentral: hikcentral_wrong_key",
    ({ hikcentral }) => {
      hikcentral.faults.set(instead("key", refusal("64")));
      return {};
    },
  ],
  [
    "wrong secret, said by a gateway of version 3",
    "HikCentral: hikcentral_wrong_signature",
    ({ hikcentral }) => {
      hikcentral.faults.set(instead("secret", refusal("68")));
      return {};
    },
  ],
  [
    "API not permitted",
    "HikCentral: hikcentral_not_permitted",
    ({ hikcentral }) => {
      hikcentral.faults.set(instead("permission", refusal("0x02401007"), { match: "personCode/personInfo" }));
      return {};
    },
  ],
  [
    "another server answers in HikCentral's place",
    "HikCentral: hikcentral_bad_answer",
    ({ hikcentral }) => {
      hikcentral.faults.set(refusals.html);
      return {};
    },
  ],
  ["organisation missing", "HikCentral: organisation_missing", () => ({ HIKCENTRAL_ORGANISATION: "77" })],
  ["custom field missing", "HikCentral: custom_field_missing", () => ({ HIKCENTRAL_KIB_FIELD_ID: "9" })],
  [
    "custom field of another name",
    "HikCentral: custom_field_missing",
    () => ({ HIKCENTRAL_KIB_FIELD_NAME: "Blood group" }),
  ],
  [
    "custom field of another type than configured",
    "HikCentral: custom_field_type",
    () => ({ HIKCENTRAL_KIB_FIELD_TYPE: "0" }),
  ],
  [
    "custom field that takes no number",
    "HikCentral: custom_field_type",
    ({ hikcentral }) => {
      hikcentral.customFields.push({ id: "3", customFiledName: "KIB", customFieldType: 2 });
      return { HIKCENTRAL_KIB_FIELD_ID: "3" };
    },
  ],
  ["privilege group missing", "HikCentral: privilege_group_missing", () => ({ REGIONALS_TUKS: "88" })],
  ["Eposh key refused", "Eposh: eposh_refused", () => ({ EPOSH_API_KEY: "another-key" })],
  ...Object.entries(badPages).map(([name, fault]): [string, string, Bring] => [
    `Eposh page of another shape: ${name}`,
    "Eposh: eposh_bad_page",
    ({ eposh }) => {
      eposh.faults.set(fault);
      return {};
    },
  ]),
  [
    "Eposh accepts the connection and says nothing",
    "Eposh: no_answer",
    ({ eposh }) => {
      eposh.faults.set({ kind: "hang" });
      return {};
    },
  ],
  [
    "state folder not writable",
    "this machine: folder_not_writable",
    () => {
      const file = join(temporaryFolder(), "file");
      writeFileSync(file, "");
      return { STATE_FOLDER: join(file, "state"), BROKER_URL: `sqlite:${join(temporaryFolder(), "queue.db")}` };
    },
  ],
  [
    "RabbitMQ's certificate is untrusted",
    "the broker: broker_untrusted",
    async ({ eposh }) => ({ BROKER_URL: (await front(eposh.origin)).replace("https://", "amqps://guest:guest@") }),
  ],
  ["stage that does not load", "this machine: stage_refused", brokenStage],
];

test("a site where all is well has no fault, and the doctor ends with 0", async () => {
  const { exit, ok, named, findings } = await doctor(site);
  expect(named).toEqual([]);
  expect([exit, ok]).toEqual([0, true]);
  expect(findings.map(({ state }) => state)).toEqual(findings.map(() => "ok"));
  const pretty = await site.cli("doctor");
  expect(pretty.exit).toBe(0);
  expect(pretty.out).toContain(`all ${findings.length} probes passed`);
});

for (const [fault, expected, bring] of table)
  test(`${fault}: that is named and no other, with a fix in one line`, async () => {
    const changed = await bring(site);
    const { exit, ok, out, err, faults, named } = await doctor(site, changed);
    site.eposh.faults.set();
    site.hikcentral.faults.set();
    expect([named, err]).toEqual([[expected], ""]);
    expect([exit, ok]).toEqual([69, false]);
    for (const { text, fix } of faults)
      expect([text, fix]).toEqual([expect.any(String), expect.stringMatching(/^.+$/)]);
    for (const secret of ["contoh-app-key", "contoh-app-secret", "contoh-api-key", "another-", "StringToSign"])
      expect(out).not.toContain(secret);
  });

test("a disk that is nearly full is named and no other", async () => {
  await using disk = await smallDisk();
  if (!disk) return console.log("SKIPPED: this machine lets nobody mount");
  const { named } = await doctor(site, { STATE_FOLDER: disk.folder }, disk.enter);
  expect(named).toEqual(["this machine: disk_full"]);
});

test("the line that trusts an untrusted certificate is printed, and with it the doctor is content", async () => {
  const url = await front(site.hikcentral.origin);
  const { faults } = await doctor(site, { HIKCENTRAL_URL: url });
  const [, fingerprint = ""] = /hikcentral\.fingerprint = "([^"]+)"/.exec(faults[0]?.fix ?? "") ?? [];
  const { named, findings } = await doctor(site, { HIKCENTRAL_URL: url, HIKCENTRAL_FINGERPRINT: fingerprint });
  expect(named).toEqual([]);
  expect(findings.find(({ probe }) => probe === "certificate")).toMatchObject({ state: "ok" });
});

test("what the partner may not read is no fault, and is said to be unchecked", async () => {
  const { hikcentral } = site;
  hikcentral.faults.set(
    ...["org/orgList", "person/customFields", "privilege/group"].map((match) =>
      instead(match, refusal("0x02401007"), { match }),
    ),
  );
  const { exit, findings } = await doctor(site);
  hikcentral.faults.set();
  expect(exit).toBe(0);
  const unchecked = findings.flatMap(({ state, probe }) => (state === "unchecked" ? [probe] : []));
  expect(unchecked).toEqual(["organisation", "KIB field", "privilege groups"]);
});

test("what makes no sense after a fault is skipped and not called a fault, and many faults are all named", async () => {
  const { named, findings } = await doctor(site, {
    EPOSH_API_KEY: "another-key",
    HIKCENTRAL_URL: "http://127.0.0.1:1",
    ...brokenStage(),
  });
  expect(named).toEqual(["this machine: stage_refused", "Eposh: eposh_refused", "HikCentral: port_closed"]);
  const skipped = findings.filter(({ state }) => state === "skipped");
  expect(skipped.map(({ probe }) => probe)).toContain("privilege groups");
  expect(skipped.every(({ system }) => system === "HikCentral")).toBe(true);
});

test("it has written nothing anywhere", () => {
  expect(site.hikcentral.writes).toEqual([]);
  expect(site.hikcentral.persons.size).toBe(0);
  expect(readdirSync(site.folder)).toEqual([]);
});
