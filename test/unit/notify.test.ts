import { dlopen, ptr } from "bun:ffi";
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openNotify } from "../../src/app/systemd.ts";

const folder = mkdtempSync(join(tmpdir(), "notify-"));
const libc = dlopen("libc.so.6", {
  socket: { args: ["int", "int", "int"], returns: "int" },
  bind: { args: ["int", "ptr", "u32"], returns: "int" },
  recv: { args: ["int", "ptr", "u64", "int"], returns: "i64" },
  close: { args: ["int"], returns: "int" },
});
afterAll(() => {
  libc.close();
  rmSync(folder, { recursive: true });
});
const doNotWait = 0x40;

/** What systemd is: a datagram socket; `next` is the next message, empty where there is none. */
function listen(address: string) {
  const { socket, bind, recv, close } = libc.symbols;
  const fd = socket(1, 2, 0);
  const name = Buffer.from(`\x01\0${address.replace(/^@/, "\0")}`);
  expect(bind(fd, ptr(name), name.length)).toBe(0);
  const room = Buffer.alloc(4096);
  return {
    next: () => room.toString("utf8", 0, Math.max(0, Number(recv(fd, ptr(room), room.length, doNotWait)))),
    [Symbol.dispose]: () => void close(fd),
  };
}

test.each([join(folder, "notify"), `@hikvision-sync-test-${process.pid}`])(
  "systemd at %s hears each state",
  (address) => {
    using systemd = listen(address);
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
