import { join } from "node:path";
import amqp from "amqplib";
import { portrait } from "../../src/simulator/pictures.ts";
import type { Simulators } from "../../src/simulator/start.ts";
import { fit } from "../../src/upstreams/decoder/face-jpeg.ts";
import { apt } from "../support/rabbitmq-install.ts";
import { until } from "../support/until.ts";
import { cpuMsOf, type Measured, peakMbOf } from "./processes.ts";

const script = join(import.meta.dir, "../foreign/original.py");
/** One process each, one call at a time. */
const names = ["create", "kib", "access"];
export const workers = names.length;
const queue = "hikvision_create_person";

/** The original's way of working: three blocking workers in Python, who verify no face and convert no photo. */
export async function measureOriginal({ eposh, hikcentral, env }: Simulators, rabbit: string): Promise<Measured> {
  if (Bun.spawnSync(["/usr/bin/python3", "-c", "import pika, requests"]).exitCode !== 0)
    await apt("install", "-y", "--no-install-recommends", "python3-pika", "python3-requests");
  const face = (await fit(portrait(1))).toString("base64");
  const running = names.map((name) =>
    Bun.spawn(["/usr/bin/python3", script, name], {
      env: { ...env, RABBITMQ: rabbit, FACE: face },
      stdout: "inherit",
      stderr: "inherit",
    }),
  );
  const failed = Promise.race(
    running.map(async (worker) => {
      throw new Error(`a worker ended with ${await worker.exited}`);
    }),
  );
  failed.catch(() => {});
  const connection = await amqp.connect(rabbit);
  try {
    const channel = await connection.createConfirmChannel();
    await channel.assertQueue(queue);
    await Bun.sleep(2_000);
    const employees = [...eposh.days.values()].flat();
    const grants = employees.flatMap(({ regionals }) => regionals).length;
    const granted = () =>
      hikcentral.state().persons.reduce((sum, { groups }) => sum + groups.length, 0) === grants || undefined;
    const startedAt = performance.now();
    for (const employee of employees) channel.sendToQueue(queue, Buffer.from(JSON.stringify({ employee })));
    const done = until(granted, { timeoutMs: 1_200_000, everyMs: 200, what: "the original to be through" });
    await Promise.race([done, failed]);
    const seconds = (performance.now() - startedAt) / 1000;
    const of = (measure: (pid: number) => Promise<number>) => Promise.all(running.map(({ pid }) => measure(pid)));
    const sum = (figures: readonly number[]) => figures.reduce((before, figure) => before + figure, 0);
    const [cpuMs, peakMb] = [sum(await of(cpuMsOf)), sum(await of(peakMbOf))];
    return { what: "original", seconds, cpuMs, peakMb, calls: { ...hikcentral.calls } };
  } finally {
    for (const worker of running) worker.kill();
    await Promise.all(running.map(({ exited }) => exited));
    await connection.close();
  }
}
