import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openNotify } from "../../src/app/systemd.ts";
import { listenAsSystemd } from "../support/systemd.ts";

const folder = mkdtempSync(join(tmpdir(), "notify-"));
afterAll(() => rmSync(folder, { recursive: true }));

test.each([join(folder, "notify"), `@hikvision-sync-test-${process.pid}`])(
  "systemd at %s hears each state",
  (address) => {
    using systemd = listenAsSystemd(address);
    using notify = openNotify(address);
    notify("READY=1", "STATUS=5 stages · 12 waiting");
    notify("WATCHDOG=1");
    expect([systemd.next(), systemd.next(), systemd.next()]).toEqual([
      "READY=1\nSTATUS=5 stages · 12 waiting",
      "WATCHDOG=1",
      "",
    ]);
  },
);

test("without systemd, or with one that is gone, nothing happens", () => {
  using alone = openNotify(undefined);
  alone("READY=1");
  using gone = openNotify(join(folder, "nobody"));
  gone("READY=1");
});
