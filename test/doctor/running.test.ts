import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Examined } from "../../src/operator/examination.ts";
import { run } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";
import { doctor, type Finding } from "./findings.ts";

const resting = { as: "binary", people: 20, start: false } as const;
const aboutDaemon = (findings: readonly Finding[]) => findings.find(({ system }) => system === "the daemon");

/** A folder of credentials as systemd makes it. */
function credentials(given: Readonly<Record<string, string>>): { CREDENTIALS_DIRECTORY: string } {
  const folder = temporaryFolder();
  for (const [name, value] of Object.entries(given)) writeFileSync(join(folder, name), value);
  return { CREDENTIALS_DIRECTORY: folder };
}

test("doctor says what is true of the running daemon, whose credentials the command does not see", async () => {
  await using site = await startSite(resting);
  await site.start(credentials({ hikcentral_app_secret: "another-secret" }));
  const refused = await doctor(site);
  expect([refused.named, refused.exit]).toEqual([["HikCentral: hikcentral_wrong_signature"], 69]);
  expect(refused.out).not.toContain("another-secret");
  await site.stop();

  const secret = site.env.HIKCENTRAL_APP_SECRET;
  await site.start({ HIKCENTRAL_APP_SECRET: "", ...credentials({ hikcentral_app_secret: secret }) });
  for (const here of [{ HIKCENTRAL_APP_SECRET: "another-secret" }, { HIKCENTRAL_APP_SECRET: "" }]) {
    const { named, exit, findings } = await doctor(site, here);
    expect([named, exit]).toEqual([[], 0]);
    expect(aboutDaemon(findings)).toMatchObject({ state: "ok" });
  }
});

test("with a slow HikCentral the daemon says soon what it knows, and doctor waits for the rest and finds no fault", async () => {
  await using site = await startSite(resting);
  await site.start();
  site.hikcentral.faults.set({ kind: "slow", minMs: 6_000, maxMs: 6_000 });
  const askedAt = performance.now();
  const { examinations } = (await site.post("/doctor")).body as { examinations: Examined[] };
  // It waits 2 s; a busy machine may take longer, but not for HikCentral.
  expect(performance.now() - askedAt).toBeLessThan(5_500);
  expect(examinations.map(({ system, isDone }) => [system, isDone])).toEqual([
    ["Eposh", true],
    ["HikCentral", false],
    ["the broker", true],
  ]);
  expect(examinations[1]?.findings.at(-1)).toMatchObject({
    state: "waiting",
    text: expect.stringMatching(/^no answer within [1-5]\.\d s so far/),
  });
  const { named, exit, err, findings } = await doctor(site);
  expect([named, exit]).toEqual([[], 0]);
  expect(err).toMatch(/^waiting for HikCentral, .* \(no answer within \d\.\d s so far; the limit is 10 s\)\n$/);
  expect(findings.filter(({ state }) => state === "waiting")).toEqual([]);
  // It joined the examination that ran already.
  expect(site.hikcentral.calls["common/v1/version"]).toBe(1);
});

test("another program at the daemon's socket cannot be asked, which is said and no fault", async () => {
  await using site = await startSite(resting);
  using _other = Bun.serve({ unix: site.socket, fetch: () => new Response("{}", { status: 404 }) });
  const { named, findings } = await doctor(site);
  expect(named).toEqual([]);
  expect(aboutDaemon(findings)).toMatchObject({
    state: "unchecked",
    text: expect.stringMatching(
      /^the daemon cannot be asked: HTTP 404.* with the configuration that this command sees$/,
    ),
  });
});

test("a queue of a paused stage waits, and doctor finds no fault in that while the daemon runs", async () => {
  await using site = await startSite({ ...resting, broker: "rabbitmq" });
  await site.start();
  expect((await site.cli("pause update-kib")).exit).toBe(0);
  await site.begin();
  await until(async () => (await site.stage("update-kib"))?.waiting === 20, { what: "all to wait" });
  const { named, exit } = await doctor(site);
  expect([named, exit]).toEqual([[], 0]);
  await site.stop();
  expect((await doctor(site)).named).toEqual(["the broker: queue_unconsumed"]);
});

/** Runs a command on a machine whose service takes a credential. */
const withService = [
  ...["unshare", "--map-root-user", "--mount", "sh", "-c"],
  `mount -t tmpfs none /etc/systemd && mkdir /etc/systemd/system && printf '%s\\n' '[Service]' \
    'LoadCredential=hikcentral_app_secret:/etc/systemd/secret' 'LoadCredential=http_token:not-there' \
    >/etc/systemd/system/hikvision-sync.service && echo rahasia-1 >/etc/systemd/secret && exec "$@"`,
  "sh",
];
const mayMount = Bun.spawnSync([...withService, "true"]).exitCode === 0;

test("while no daemon runs doctor says which credentials of the service it cannot see", async () => {
  if (!mayMount) return console.log("SKIPPED: this machine lets nobody mount");
  await using site = await startSite(resting);
  const { named, findings } = await doctor(site, {}, withService);
  expect(named).toEqual([]);
  expect(aboutDaemon(findings)).toMatchObject({
    state: "unchecked",
    text: expect.stringContaining("cannot see the credentials of the service (hikcentral_app_secret); "),
  });
  const without = await run("doctor", { ...site.env, HIKCENTRAL_APP_SECRET: "" }, withService);
  expect(without.exit).toBe(78);
  expect(without.err).toContain("hikcentral.app_secret is missing");
  expect(without.err).toContain("cannot see the credentials of the service (hikcentral_app_secret)");
});
