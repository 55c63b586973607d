import { expect, test } from "bun:test";
import { join } from "node:path";
import { smallDisk } from "../support/disk.ts";
import { startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

test("a first start on a disk that is nearly full leaves no ledger.key or a whole one, and the next start works", async () => {
  await using disk = await smallDisk();
  if (!disk) return console.log("SKIPPED: this machine lets nobody mount");
  const { enter } = disk;
  const folder = join(disk.folder, "state");
  const inside = (...command: string[]) =>
    Bun.spawnSync([...enter, ...command], { stderr: "ignore" }).stdout.toString();
  const keyBytes = () => inside("stat", "-c", "%s", join(folder, "ledger.key")).trim();
  await using site = await startSite({ as: "binary", people: 2, start: false, folder, enter });
  // The lock, the key and the ledger each take pages: somewhere among these the key is what has no room.
  for (let freePages = 0; freePages < 6; freePages++) {
    inside("rm", "-rf", folder);
    await disk.fill();
    inside("truncate", "-s", `-${freePages * 4096}`, join(disk.folder, "filler"));
    expect((await site.cli("serve")).exit).toBe(69);
    expect(["", "32"]).toContain(keyBytes());
  }
  await disk.free();
  await site.start();
  expect(keyBytes()).toBe("32");
  expect(await site.induct()).toMatchObject({ through: 2 });
  await site.stop();
});

test("a full disk that refused a trigger is red for as long as it is full, and green by itself when there is room", async () => {
  await using disk = await smallDisk();
  if (!disk) return console.log("SKIPPED: this machine lets nobody mount");
  const { folder, enter } = disk;
  await using site = await startSite({ as: "binary", people: 2, folder, enter });
  await disk.fill();
  const refused = async () => (await site.trigger({}, { prefer: "respond-async" })).status === 503;
  await until(refused, { what: "a trigger to be refused" });
  // The daemon tries again each second, and a commit of a few bytes finds room.
  for (const endsAt = performance.now() + 2_500; performance.now() < endsAt; await Bun.sleep(100)) {
    const { ready, broker } = (await site.get("/status")).body as { ready: boolean; broker: { state: string } };
    expect({ ready, state: broker.state }).toEqual({ ready: false, state: "connecting" });
  }
  expect((await site.cli("status")).exit).toBe(69);
  await disk.free();
  await until(async () => (await site.readyz()).ready, { what: "the daemon to be ready" });
  expect(await site.induct()).toMatchObject({ through: 2 });
  await site.stop();
});
