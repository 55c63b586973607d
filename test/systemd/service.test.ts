import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { version } from "../../package.json";
import { type Architecture, makeDeb } from "../../packaging/package.ts";
import { binary, temporaryFolder } from "../support/daemon.ts";
import { until } from "../support/until.ts";
import { type Box, startBox } from "./box.ts";

const started = await startBox();
const box = "why" in started ? (undefined as unknown as Box) : started;
if ("why" in started) console.log(`SKIPPED the service under a real systemd: ${started.why}`);
afterAll(async () => await box?.[Symbol.asyncDispose]());

const architecture: Architecture = process.arch === "arm64" ? "arm64" : "amd64";
const [folder, next] = [temporaryFolder(), `${version}+next`];
const simulator = "/usr/local/bin/simulator";
const [eposh, hikcentral] = ["http://127.0.0.1:5101", "http://127.0.0.1:5102"];

/** One thing that an operator does or meets, printed with its time. */
function step(title: string, act: () => Promise<void>): void {
  test(title, async () => {
    const from = performance.now();
    await act();
    console.log(`STEP ${title} (${((performance.now() - from) / 1000).toFixed(1)} s)`);
  });
}

const show = (property: string) => box.run(`systemctl show hikvision-sync -P ${property}`);
const journal = () => box.run("journalctl -u hikvision-sync -o cat");
const journalSays = (text: string) =>
  until(async () => (await journal()).includes(text), { what: `the journal to say: ${text}` });
const isBack = async (restarts: number) =>
  Number(await show("NRestarts")) > restarts && (await show("ActiveState")) === "active";

/** How many persons HikCentral has. */
const persons = async () => Number(await box.run(`curl -s ${hikcentral}/_state | grep -o '"personCode"' | wc -l`));
const control = (faults: object[], of = hikcentral) =>
  box.run(`curl -s --json '${JSON.stringify({ faults })}' ${of}/_control`);

/** Has something happen to the daemon in the middle of the run of a date; all its people are to be there in the end. */
async function duringRun(date: string, happen: () => Promise<void>): Promise<void> {
  const before = await persons();
  await control([{ kind: "slow", minMs: 300, match: "single/add" }]);
  await box.run(`hikvision-sync trigger --detach --from ${date} --to ${date}`);
  await until(async () => (await persons()) > before, { what: "the run to be on its way" });
  await happen();
  expect((await persons()) - before).toBeLessThan(80);
  await control([]);
  const verify = `HIKCENTRAL_APP_SECRET=contoh-app-secret ${simulator} verify --config /root/config.toml`;
  await until(async () => (await box.try(`${verify} --from ${date} --to ${date}`)).exit === 0, {
    timeoutMs: 30_000,
    everyMs: 500,
    what: `the run of ${date} to be whole`,
  });
}

describe.skipIf("why" in started)("on a machine of its own", () => {
  beforeAll(async () => {
    for (const one of [version, next]) {
      const deb = await makeDeb({ binary, architecture, folder, version: one, compress: false });
      writeFileSync(`${box.root}/root/${one}.deb`, readFileSync(deb));
    }
    writeFileSync(`${box.root}${simulator}`, readFileSync(binary), { mode: 0o755 });
    await box.run(`systemd-run --unit=simulators ${simulator} simulate`);
  });

  step("a first install neither enables nor starts, and prints the next three steps", async () => {
    const out = await box.run(`dpkg -i /root/${version}.deb`);
    expect(out).toMatch(/1\. .*sudoedit.*2\. .*hikvision-sync doctor.*3\. .*systemctl enable --now/s);
    expect(await box.try("systemctl is-enabled hikvision-sync hikvision-sync-induction.timer")).toMatchObject({
      out: "disabled\ndisabled",
    });
    expect(await show("ActiveState")).toBe("inactive");
    expect(await box.run("stat -c '%U:%G %a' /etc/hikvision-sync/config.toml")).toBe("root:hikvision-sync 640");
    expect(await box.try("systemd-analyze verify /lib/systemd/system/hikvision-sync*")).toMatchObject({
      exit: 0,
      err: "",
    });
  });

  step("what is still to be filled in ends with 78 and is not tried again", async () => {
    const { exit, err } = await box.try("hikvision-sync check");
    expect(exit).toBe(78);
    expect(err).toContain("eposh.url is missing");
    expect((await box.try("systemctl start hikvision-sync")).exit).toBe(1);
    expect([await show("ActiveState"), await show("ExecMainStatus")]).toEqual(["failed", "78"]);
    expect(await show("NRestarts")).toBe("0");
  });

  step("the three steps lead to a daemon that says how it is", async () => {
    const file = `${box.root}/etc/hikvision-sync/config.toml`;
    const values: Record<string, string> = {
      eposh_url: `${eposh}/api/v1/employees`,
      eposh_api_key: "contoh-api-key",
      eposh_app_id: "contoh-app-id",
      hikcentral_url: hikcentral,
      hikcentral_app_key: "contoh-app-key",
    };
    let section = "";
    const lines = readFileSync(file, "utf8").split("\n");
    const filled = lines.map((line) => {
      section = /^\[(\w+)\]/.exec(line)?.[1] ?? section;
      const [, key] = /^(\w+) = ""$/.exec(line) ?? [];
      if (line.startsWith("#allowed_hosts")) return 'allowed_hosts = "127.0.0.1"';
      return key ? `${key} = "${values[`${section}_${key}`] ?? ""}"` : line;
    });
    writeFileSync(file, filled.join("\n"));
    await box.run("cp /etc/hikvision-sync/config.toml /root/config.toml");
    // The secret as a credential: the file does not hold it.
    await box.run("install -d -m 700 /etc/credstore");
    writeFileSync(`${box.root}/etc/credstore/hikvision-sync.hikcentral_app_secret`, "contoh-app-secret\n", {
      mode: 0o600,
    });
    // Of a watchdog nobody wants to wait for 30 s here.
    await box.run(`mkdir -p /etc/systemd/system/hikvision-sync.service.d
      printf '[Service]\\nWatchdogSec=2s\\n' >/etc/systemd/system/hikvision-sync.service.d/box.conf
      systemctl daemon-reload`);
    await box.run("systemctl enable --now hikvision-sync.service hikvision-sync-induction.timer");
    expect(await show("ActiveState")).toBe("active");
    expect(await show("StatusText")).toBe("5 stages · 0 waiting · 0 dead");
    expect(await box.run("systemctl list-timers --all")).toContain("hikvision-sync-induction.timer");
  });

  step("an operator in the group needs no sudo", async () => {
    await box.run("useradd --no-create-home --groups hikvision-sync gatekeeper");
    expect(await box.run("runuser -u gatekeeper -- hikvision-sync stages")).toContain("create-person");
    expect((await box.try("runuser -u nobody -- hikvision-sync stages")).exit).toBe(78);
  });

  step("the timer's service starts a run, and one that runs already is no failure", async () => {
    await control([{ kind: "slow", minMs: 500, match: "induction_date" }], eposh);
    await box.run("systemctl start hikvision-sync-induction && systemctl start hikvision-sync-induction");
    expect(await box.run("journalctl -u hikvision-sync-induction -o cat")).toContain("fetches these dates already");
    await control([], eposh);
  });

  step("kill -9 in a run: it is started again, and the run is whole", async () => {
    await duringRun("2026-01-01", async () => {
      await box.run("systemctl kill --signal=KILL hikvision-sync");
      await until(() => isBack(0), { what: "the restart" });
    });
  });

  step("an event loop that stands still in a run: the watchdog ends it, and the run is whole", async () => {
    await duringRun("2026-01-03", async () => {
      const restarts = Number(await show("NRestarts"));
      await box.run("systemctl kill --signal=STOP hikvision-sync");
      await until(() => isBack(restarts), { timeoutMs: 15_000, what: "the watchdog" });
      await journalSays("Watchdog timeout");
    });
  });

  step("a bad configuration is refused by reload in a run, and all goes on as it was", async () => {
    await duringRun("2026-01-04", async () => {
      const pid = await show("MainPID");
      await box.run("sed -i 's/^#concurrency = 2/concurrency = 0/' /etc/hikvision-sync/config.toml");
      await box.run("systemctl reload hikvision-sync");
      await journalSays("hikcentral.concurrency must be");
      expect([await show("ActiveState"), await show("MainPID")]).toEqual(["active", pid]);
    });
  });

  step("a good configuration is taken over by reload in a run, by the same process", async () => {
    await duringRun("2026-01-06", async () => {
      const pid = await show("MainPID");
      await box.run("sed -i 's/^concurrency = 0/concurrency = 3/' /etc/hikvision-sync/config.toml");
      await box.run("systemctl reload hikvision-sync");
      await journalSays("Reloaded; changed: hikcentral.concurrency");
      await until(async () => /^5 stages/.test(await show("StatusText")), { what: "the status after the reload" });
      expect([await show("ActiveState"), await show("MainPID")]).toEqual(["active", pid]);
    });
  });

  step("an upgrade in a run restarts what runs, and the run is whole", async () => {
    await duringRun("2026-01-07", async () => {
      const pid = await show("MainPID");
      await box.run(`dpkg -i /root/${next}.deb`);
      expect(await show("ActiveState")).toBe("active");
      expect(await show("MainPID")).not.toBe(pid);
      expect(await box.run("grep -c 'concurrency = 3' /etc/hikvision-sync/config.toml")).toBe("1");
    });
  });

  step("so does going back by one version", async () => {
    await duringRun("2026-01-08", async () => {
      expect((await box.try(`dpkg -i /root/${version}.deb`)).err).toContain("downgrading");
      expect(await show("ActiveState")).toBe("active");
      expect(await box.run("dpkg -s hikvision-sync")).toContain(`\nVersion: ${version}\n`);
    });
  });

  step("stop in a run finishes what is in hand; the rest waits for the next start", async () => {
    await duringRun("2026-01-09", async () => {
      await box.run("systemctl stop hikvision-sync");
      expect([await show("Result"), await show("ExecMainStatus")]).toEqual(["success", "0"]);
      await box.run("systemctl start hikvision-sync");
    });
  });

  step("nothing was refused, and no secret or NIK is in the journal", async () => {
    const text = await journal();
    expect(text.match(/\d{16}|contoh-ap/g) ?? []).toEqual([]);
    expect(await show("StatusText")).toMatch(/· 0 dead/);
    expect(await box.run("hikvision-sync version")).toContain("hikvision-sync");
  });

  step("remove stops it and keeps configuration and state", async () => {
    await box.run("dpkg -r hikvision-sync");
    expect((await box.try("pgrep -x hikvision-sync")).exit).toBe(1);
    await box.run("test -e /etc/hikvision-sync/config.toml -a -e /var/lib/hikvision-sync/queue.db");
  });

  step("purge leaves nothing but the user and what the operator put there himself", async () => {
    writeFileSync(`${box.root}/etc/hikvision-sync/own.txt`, "");
    await box.run("dpkg -P hikvision-sync && rm -r /etc/systemd/system/hikvision-sync.service.d");
    const left = await box.run(
      "find /etc /var/lib /usr /lib -xdev -name '*hikvision-sync*' -not -path '/var/lib/dpkg/*'",
    );
    expect(left.split("\n").sort()).toEqual([
      "/etc/credstore/hikvision-sync.hikcentral_app_secret",
      "/etc/hikvision-sync",
    ]);
    expect(await box.run("systemctl list-units --failed --plain --no-legend")).toBe("");
  });
});
