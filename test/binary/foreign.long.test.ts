import { expect, test } from "bun:test";
import { join } from "node:path";
import { binary } from "../support/binary.ts";

const source = join(import.meta.dir, "../foreign");
const chain = join(source, "chain.ts");
const enter = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"];

test("configured through the environment alone it works against a second Eposh and HikCentral, on both transports", async () => {
  const isPossible = Bun.spawnSync([...enter, "true"]).exitCode === 0;
  if (!isPossible) console.log("SKIPPED the network namespace, which needs root: the same was run outside of one");
  const child = Bun.spawn([...(isPossible ? enter : []), process.execPath, "test", chain], {
    env: {
      PATH: process.env.PATH ?? "",
      HIKVISION_SYNC_TEST_BINARY: binary,
      ...(isPossible && { IN_NAMESPACE: "1" }),
    },
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, err, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exit !== 0) throw new Error(`${out}${err}`);
  expect(err).toContain(" 3 pass");
}, 120_000);

test("that second pair shares no code with ours, and is short enough to be read", async () => {
  const text = await Bun.file(join(source, "hikcentral-and-eposh.ts")).text();
  expect(text.match(/from "(?!node:)/g)).toBeNull();
  expect(text.split("\n").length).toBeLessThanOrEqual(151);
});
