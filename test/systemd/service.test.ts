import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { version } from "../../package.json";
import { type Architecture, makeDeb, makeTarball, writeSums } from "../../packaging/package.ts";
import type { RunView } from "../../src/ledger/runs.ts";
import { binary } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { until } from "../support/until.ts";
import { type Box, startBox } from "./box.ts";
import { fillIn, linesOf, typed } from "./guide.ts";

const started = await startBox();
const box = "why" in started ? (undefined as unknown as Box) : started;
if ("why" in started) console.log(`SKIPPED the service under a real systemd: ${started.why}`);
afterAll(async () => await box?.[Symbol.asyncDispose]());

const architecture: Architecture = process.arch === "arm64" ? "arm64" : "amd64";
const [eposh, hikcentral] = ["http://127.0.0.1:5101", "http://127.0.0.1:5102"];
const values = {
  "eposh.url": `${eposh}/api/v1/employees`,
  "eposh.api_key": "contoh-api-key",
  "eposh.app_id": "contoh-app-id",
  "hikcentral.url": hikcentral,
  "hikcentral.app_key": "contoh-app-key",
  "hikcentral.app_secret": "contoh-app-secret",
};
const config = "/etc/hikvision-sync/config.toml";

/** One thing that an operator does or meets, printed with its time. */
function step(title: string, act: () => Promise<void>): void {
  test(title, async () => {
    const from = performance.now();
    await act();
    console.log(`STEP ${title} (${((performance.now() - from) / 1000).toFixed(1)} s)`);
  });
}

/** One block of a section of docs/install.md, typed by root in a folder of the box; `input` is piped in. */
const follow = (section: string, { folder = "/root", block = 0, input = "" } = {}) =>
  box.run(`sudo() { "$@"; }; export USER=gatekeeper; set -e; cd ${folder}
    { ${typed(section)[block]} } <<<'${input}'`);
/** An operator who is in the operators' group alone. */
const operator = (line: string) => box.try(`runuser -u gatekeeper -- ${line}`);

const show = (property: string) => box.run(`systemctl show hikvision-sync -P ${property}`);
const journal = () => box.run("journalctl -u hikvision-sync -o cat");
// n.b. Each look into the box is four new processes: what can be asked for otherwise, is.
const journalSays = (text: string) =>
  until(async () => (await journal()).includes(text), { everyMs: 250, what: `the journal to say: ${text}` });
const statusSays = (text: RegExp) => {
  const says = async () => {
    const said = await show("StatusText");
    if (text.test(said)) return said;
    throw new Error(said);
  };
  return until(says, { timeoutMs: 60_000, everyMs: 250, what: `status ${text}` });
};
const isBack = (restarts: number, what: string) => {
  const is = async () => {
    const [times, state] = (await show("NRestarts -P ActiveState")).split("\n");
    return Number(times) > restarts && state === "active";
  };
  return until(is, { everyMs: 250, what });
};

/** What is wrong with HikCentral, or Eposh, from now on. */
const control = (faults: object[], of = hikcentral) =>
  box.run(`curl -s --json '${JSON.stringify({ faults })}' ${of}/_control`);
const lastRun = async () => {
  const answer = await fetch("http://localhost/runs", { unix: `${box.root}/run/hikvision-sync/operator.sock` });
  return ((await answer.json()) as { runs: RunView[] }).runs[0];
};
/** n.b. Not the daemon's own configuration, which is a bad one for a while. */
const trigger = (date: string, flags = "--detach") =>
  box.try(`hikvision-sync trigger --config /root/config.toml --from ${date} --to ${date} ${flags}`);

/** Everybody of the date is through and is in HikCentral as Eposh has them. */
async function isWhole(date: string): Promise<void> {
  await until(async () => (await lastRun())?.status === "done", { timeoutMs: 60_000, everyMs: 100, what: "the end" });
  const run = await lastRun();
  expect(run).toMatchObject({ dates: [date], dead: 0, through: run?.employees ?? 0 });
  await box.run(`hikvision-sync verify --config /root/config.toml --from ${date} --to ${date}`);
}

/** Has something happen to the daemon amid the run of a date, whose people take `eachMs`; it is whole in the end. */
async function duringRun(date: string, eachMs: number, happen: () => Promise<void>): Promise<void> {
  await control([{ kind: "slow", minMs: eachMs, match: "single/add" }]);
  expect(await trigger(date)).toMatchObject({ exit: 0 });
  const created = async () => (await lastRun())?.stages["create-person"]?.done ?? 0;
  await until(async () => (await created()) > 0, { what: "the run to be on its way" });
  await happen();
  const { through = 0, employees = 0 } = (await lastRun()) ?? {};
  expect(through).toBeLessThan(employees);
  await control([]);
  await isWhole(date);
}

describe.skipIf("why" in started)("on a machine of its own", () => {
  beforeAll(async () => {
    for (const one of [version, `${version}+next`]) {
      const folder = temporaryFolder();
      const options = { binary, architecture, folder, version: one, compress: false };
      const made = [await makeDeb(options), ...(one === version ? [await makeTarball(options)] : [])];
      mkdirSync(`${box.root}/root/${one}`);
      for (const file of [...made, writeSums(folder, made)])
        copyFileSync(file, `${box.root}/root/${one}/${file.slice(folder.length).replace(/\.tar$/, "$&.gz")}`);
    }
    box.beside([binary, "simulate", "--people", "300"]);
    await box.run("useradd --no-create-home gatekeeper");
  });

  step("a first install neither enables nor starts, and prints the next three steps", async () => {
    const out = await follow("The package", { folder: `/root/${version}` });
    expect(out).toContain(`hikvision-sync_${version}_${architecture}.deb: OK`);
    expect(out).toMatch(/1\. .*sudoedit.*2\. .*hikvision-sync doctor.*3\. .*systemctl enable --now/s);
    const enabled = await box.try("systemctl is-enabled hikvision-sync hikvision-sync-induction.timer");
    expect(enabled.out).toBe("disabled\ndisabled");
    expect(await show("ActiveState")).toBe("inactive");
    expect(await box.run(`stat -c '%U:%G %a' ${config}`)).toBe("root:hikvision-sync 640");
    expect(await box.run(`grep -A6 '^.induction' ${config}`)).toMatch(/#from = "today-7"\n.*\n#to = "today"/);
    const verified = await box.try("systemd-analyze verify /lib/systemd/system/hikvision-sync*");
    expect(verified).toMatchObject({ exit: 0, err: "" });
  });

  step("what is still to be filled in ends with 78 and is not tried again", async () => {
    const { exit, err } = await box.try("hikvision-sync check");
    expect(exit).toBe(78);
    expect(err).toContain("eposh.url is missing");
    expect((await box.try("systemctl start hikvision-sync")).exit).toBe(1);
    expect([await show("ActiveState"), await show("ExecMainStatus")]).toEqual(["failed", "78"]);
    expect(await show("NRestarts")).toBe("0");
  });

  step("the guide leads to a first run with one person, by an operator without sudo", async () => {
    const file = `${box.root}${config}`;
    // The simulators' photos come from this machine, and here nobody wants to wait for 30 s of a watchdog.
    const filled = fillIn(readFileSync(file, "utf8"), values)
      .replace(/^#allowed_hosts = .*$/m, 'allowed_hosts = "127.0.0.1"')
      .replace(/^#prefetch = .*$/m, "prefetch = 2");
    writeFileSync(file, filled);
    writeFileSync(`${box.root}/root/config.toml`, filled);
    await box.run(`mkdir -p /etc/systemd/system/hikvision-sync.service.d
      printf '[Service]\\nWatchdogSec=5s\\nRestartSec=100ms\\n' >/etc/systemd/system/hikvision-sync.service.d/box.conf
      systemctl daemon-reload`);
    await follow("Configure");
    expect((await operator("hikvision-sync check")).err).toContain("EACCES");
    for (const line of typed("First run with one person").flatMap(linesOf)) {
      const [, root] = /^sudo (.+)/.exec(line) ?? [];
      expect({ line, ...(root ? await box.try(root) : await operator(line)) }).toMatchObject({ line, exit: 0 });
    }
    expect(await lastRun()).toMatchObject({ dates: ["2026-01-03"], dead: 0, warnings: [] });
    await statusSays(/^7 stages · 0 waiting · 0 dead$/);
  });

  step("only operators operate: the socket is theirs, another user is told so, and nobody needs the keys", async () => {
    const socket = "/run/hikvision-sync/operator.sock";
    expect(await box.run(`stat -c '%U:%G %a' ${socket} /run/hikvision-sync`)).toBe(
      "hikvision-sync:hikvision-sync-operators 660\nhikvision-sync:hikvision-sync-operators 2750",
    );
    const stranger = await box.try("runuser -u nobody -- hikvision-sync pause publisher");
    expect(stranger).toMatchObject({ exit: 69, err: expect.stringContaining("hikvision-sync-operators") });
    expect(await operator("hikvision-sync doctor")).toMatchObject({ exit: 0 });
    expect((await box.try(`runuser -u gatekeeper -- cat ${config}`)).exit).toBe(1);
    // The site's time zone is in the configuration, which the operator cannot read; a run's ID has the hour in UTC.
    const [, first = ""] = (await operator("hikvision-sync runs")).out.split("\n");
    const [, hour, shown] = /T(\d\d)\S+ +\S+ (\d\d)/.exec(first) ?? [];
    expect(Number(shown)).toBe((Number(hour) + 7) % 24);
  });

  step("a photo decoder gives way, is the first to go when memory is short, and the service goes on", async () => {
    const decoders = await box.run("pgrep -f 'decode-photo[s]'");
    for (const pid of decoders.split("\n")) {
      expect(await box.run(`cat /proc/${pid}/oom_score_adj`)).toBe("1000");
      expect(await box.run(`ps -o ni= -p ${pid}`)).toContain("3");
    }
    await box.run(`kill -KILL ${decoders.replaceAll("\n", " ")}`);
    const state = [await show("ActiveState"), await show("NRestarts"), await show("OOMPolicy")];
    expect(state).toEqual(["active", "0", "continue"]);
  });

  step("the timer's service starts a run, and one that runs already is no failure", async () => {
    await follow("Daily run");
    expect(await box.run("systemctl list-timers --all")).toContain("hikvision-sync-induction.timer");
    await control([{ kind: "slow", minMs: 3_000, match: "induction_date" }], eposh);
    await box.run("systemctl start hikvision-sync-induction && systemctl start hikvision-sync-induction");
    expect(await box.run("journalctl -u hikvision-sync-induction -o cat")).toContain("already fetches these dates");
    await control([], eposh);
  });

  step("kill -9 in a run: it is started again, and the run is whole", async () => {
    await duringRun("2026-01-01", 3_000, async () => {
      await box.run("systemctl kill --signal=KILL hikvision-sync");
      await isBack(0, "the restart");
    });
  });

  step("an event loop that stands still in a run: the watchdog ends it, and the run is whole", async () => {
    await duringRun("2026-01-04", 3_000, async () => {
      const restarts = Number(await show("NRestarts"));
      await box.run("systemctl kill --signal=STOP hikvision-sync");
      await isBack(restarts, "the watchdog");
      await journalSays("Watchdog timeout");
    });
  });

  step("reload in a run: a bad configuration is refused, a good one taken over, by the same process", async () => {
    await duringRun("2026-01-06", 5_000, async () => {
      const pid = await show("MainPID");
      await box.run(`sed -i 's/^#concurrency = 2/concurrency = 0/' ${config}`);
      await box.run("systemctl reload hikvision-sync");
      await journalSays("hikcentral.concurrency must be");
      expect([await show("ActiveState"), await show("MainPID")]).toEqual(["active", pid]);
      await box.run(`sed -i 's/^concurrency = 0/concurrency = 3/' ${config}`);
      await box.run("systemctl reload hikvision-sync");
      await journalSays("Reloaded; changed: hikcentral.concurrency");
      await statusSays(/^7 stages/);
      expect([await show("ActiveState"), await show("MainPID")]).toEqual(["active", pid]);
    });
  });

  step("an upgrade in a run restarts what runs, and the run is whole", async () => {
    await duringRun("2026-01-08", 4_000, async () => {
      const pid = await show("MainPID");
      await follow("Upgrade", { folder: `/root/${version}+next` });
      expect(await show("ActiveState")).toBe("active");
      expect(await show("MainPID")).not.toBe(pid);
      expect(await box.run(`grep -c 'concurrency = 3' ${config}`)).toBe("1");
    });
  });

  step("so does going back by one version", async () => {
    await duringRun("2026-01-09", 4_000, async () => {
      expect(await follow("Downgrade", { folder: `/root/${version}` })).toContain("Unpacking");
      expect(await show("ActiveState")).toBe("active");
      expect(await box.run("dpkg -s hikvision-sync")).toContain(`\nVersion: ${version}\n`);
    });
  });

  step("the backup stops it in a run and finishes what is in hand; the rest waits for the next start", async () => {
    await duringRun("2026-01-11", 3_000, async () => {
      await follow("Backup");
      expect(await box.run("tar -tf /root/hikvision-sync-backup.tar.gz")).toContain("var/lib/hikvision-sync/queue.db");
      expect(await journal()).toMatch(/Stopping: work in progress.*\n(.*\n)*Stopped\n(?!.*Failed)/);
      expect([await show("Result"), await show("ActiveState")]).toEqual(["success", "active"]);
    });
  });

  step("a reboot in a run: the enabled unit comes back and goes on, and the run is whole", async () => {
    expect((await journal()).match(/\d{16}|contoh-ap/g) ?? []).toEqual([]);
    await duringRun("2026-01-12", 3_000, async () => {
      await box.reboot();
      expect(await show("ActiveState")).toBe("active");
      await box.run("systemctl is-active hikvision-sync-induction.timer");
    });
  });

  step("a secret as a credential, and a changed one, is taken by a restart", async () => {
    await box.run(`sed -i 's/^app_secret = .*/app_secret = ""/' ${config}`);
    const enter = (secret: string) => follow("Configure", { block: 1, input: secret });
    await enter("another");
    await box.run("systemctl restart hikvision-sync");
    await trigger("2026-01-13", "--detach --limit 1");
    await statusSays(/^7 stages · 1 waiting · 0 dead · create-person paused since \d\d:\d\d \(hikcentral_wrong_sig/);
    await enter("contoh-app-secret");
    expect(await follow("Configure", { block: 2 })).toMatch(/ok: configuration .* 1 from credentials/);
    await box.run("systemctl restart hikvision-sync");
    await statusSays(/^7 stages · 0 waiting · 0 dead$/);
    expect(await lastRun()).toMatchObject({ dates: ["2026-01-13"], through: 1, dead: 0 });
  });

  step("status says who is down and since when; it goes on by itself, and the dead are replayed", async () => {
    await control([{ kind: "answer", match: "single/add", body: '{"code":"130","msg":"No permission","data":""}' }]);
    expect(await trigger("2026-01-14", "--limit 1")).toMatchObject({ exit: 1 });
    await control([{ kind: "reset" }]);
    await trigger("2026-01-15");
    const line = await statusSays(/^7 stages · [1-9]\d* waiting · 1 dead · HikCentral down since \d\d:\d\d$/);
    console.log(`STEP systemctl status says: ${line}`);
    expect(await operator("hikvision-sync status")).toMatchObject({ exit: 69, out: expect.stringContaining("down") });
    await control([]);
    await statusSays(/^7 stages · 0 waiting · 1 dead$/);
    await isWhole("2026-01-15");
    expect((await operator("hikvision-sync dead replay --code hikcentral_no_permission")).out).toBe("replayed: 1");
    await statusSays(/^7 stages · 0 waiting · 0 dead$/);
  });

  step(
    "while it is stopped root's commands work on what it left, which stays its own; others are sent to sudo",
    async () => {
      await box.run("systemctl stop hikvision-sync");
      const refused = await operator("hikvision-sync status");
      expect(refused).toMatchObject({
        exit: 69,
        err: expect.stringMatching(/this user may not read the saved state in .*: use sudo$/),
      });
      await box.run("hikvision-sync pause publisher && systemctl start hikvision-sync");
      await statusSays(/publisher paused since \d\d:\d\d \(paused_by_operator\)$/);
      expect(await operator("hikvision-sync resume publisher")).toMatchObject({ exit: 0 });
    },
  );

  step("remove stops it and keeps configuration and state", async () => {
    expect((await journal()).match(/\d{16}|contoh-ap/g) ?? []).toEqual([]);
    await follow("Remove");
    expect((await box.try("pgrep -x hikvision-sync")).exit).toBe(1);
    await box.run(`test -e ${config} -a -e /var/lib/hikvision-sync/queue.db`);
  });

  step("purge leaves nothing but the user and what the operator put there himself", async () => {
    await box.run("touch /etc/hikvision-sync/own.txt");
    await box.run("dpkg --purge hikvision-sync && rm -r /etc/systemd/system/hikvision-sync.service.d");
    expect(await leftOvers()).toEqual(["/etc/credstore/hikvision-sync.hikcentral_app_secret", "/etc/hikvision-sync"]);
    expect(await box.run("systemctl list-units --failed --plain --no-legend")).toBe("");
  });

  step("the tarball does the same without dpkg, and can be removed again", async () => {
    await follow("Without dpkg", { folder: `/root/${version}` });
    writeFileSync(`${box.root}${config}`, readFileSync(`${box.root}/root/config.toml`));
    await follow("Daily run");
    await statusSays(/^7 stages · 0 waiting · 0 dead$/);
    expect(await trigger("2026-01-16", "--limit 1")).toMatchObject({ exit: 0 });
    await follow("Without dpkg", { block: 1 });
    await box.run("rm -r /etc/hikvision-sync /etc/credstore /var/lib/hikvision-sync");
    expect(await leftOvers()).toEqual(["/var/lib/systemd/timers/stamp-hikvision-sync-induction.timer"]);
  });
});

async function leftOvers(): Promise<string[]> {
  const find = "find /etc /var/lib /usr /lib -xdev -name '*hikvision-sync*' -not -path '/var/lib/dpkg/*'";
  return (await box.run(find)).split("\n").sort();
}
