import { expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startSimulators } from "../../src/simulator/start.ts";
import { type DaemonProcess, environmentOf, startDaemon, temporaryFolder } from "../support/daemon.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { until } from "../support/until.ts";

const rabbit = await sharedRabbit();

/** Ends its process when it meets one KIB number, as a broken picture can. */
const killer = `import { defineStage, end, v } from "hikvision-sync";
export default defineStage({
  name: "killer",
  queue: "hikvision_killer",
  after: "publisher",
  message: v.object({ employee: v.object({ kib_number: v.string() }) }),
  async run({ employee }) {
    await Bun.sleep(20);
    if (employee.kib_number === "2600003") process.kill(process.pid, "SIGKILL");
    return end("seen");
  },
});
`;

const folders = [temporaryFolder(), temporaryFolder()];

test.concurrent.each([
  ["the embedded queue", {}],
  ["RabbitMQ", { BROKER_URL: rabbit.url }],
])(
  "with %s, what was in progress at four abrupt ends, the last one alone, is a dead letter and takes nobody with it",
  async (_, broker) => {
    await using simulators = await startSimulators({ people: 12 });
    const folder = folders.pop() ?? temporaryFolder();
    const stages = join(folder, "stages");
    mkdirSync(stages, { mode: 0o700 });
    writeFileSync(join(stages, "killer.ts"), killer, { mode: 0o600 });
    const env = { ...environmentOf(simulators), ...broker, STAGES_FOLDER: stages, BROKER_STALL_TIMEOUT: "6s" };
    const start = () => startDaemon(env, folder);
    let daemon: DaemonProcess = await start();
    await until(() => daemon.output().includes("take work from"), { what: "the stages to take work" });
    await daemon.trigger(undefined, { prefer: "respond-async" });
    for (let ends = 1; ends <= 4; ends++) {
      const over = () =>
        fetch(`${daemon.url}/livez`).then(
          () => false,
          () => true,
        );
      await until(over, { timeoutMs: 30_000, what: `end ${ends}` });
      await daemon.kill();
      daemon = await start();
    }
    const dead = async () => (await daemon.get("/dead")).body as { total: number; groups: { ids: string[] }[] };
    const { total, groups } = await until(async () => (await dead()).total > 0 && (await dead()), {
      timeoutMs: 30_000,
      what: "the dead letter",
    });
    expect({ total, groups }).toMatchObject({
      total: 1,
      groups: [{ stage: "killer", code: "crashed_daemon", count: 1 }],
    });
    const letter = (await daemon.get(`/dead/${groups[0]?.ids[0]}`)).body;
    expect(letter).toMatchObject({ kib: "2600003", attempts: 1, text: expect.stringContaining("4 abrupt ends") });
    const waiting = async () => {
      const { stages } = (await daemon.get("/readyz")).body as { stages: { waiting: number; inFlight: number }[] };
      return stages.reduce((sum, { waiting, inFlight }) => sum + waiting + inFlight, 0);
    };
    await until(async () => (await waiting()) === 0, { timeoutMs: 30_000, what: "all to be through" });
    expect(simulators.hikcentral.state().persons).toHaveLength(12);
    expect(await dead()).toMatchObject({ total: 1 });
    await daemon.stop();
  },
);
