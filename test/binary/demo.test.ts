import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { depthOf, openUp } from "../broker/transports.ts";
import { binary, run } from "../support/binary.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { messagesIn } from "../support/messages.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";
import { nik, testDemo } from "./demo.ts";

const { url } = await sharedRabbit();

testDemo("on the embedded queue", 30, " --people 30");
testDemo("on RabbitMQ", 20, ` --people 20 --broker ${url}`);

describe("demo --once", () => {
  test("where a proxy is set it calls nobody through it, because all of it is on this machine", async () => {
    const proxy = "http://127.0.0.1:9";
    const { exit, out, err } = await run("demo --once --people 2", { HTTP_PROXY: proxy, http_proxy: proxy });
    expect({ exit, out }, err).toEqual({ exit: 0, out: expect.stringContaining("All 2 employees agree") });
  });

  test("--odd ends with 0 and the warnings and dead letters that odd people are to have", async () => {
    const { exit, out } = await run("demo --once --people 10 --odd");
    for (const line of [
      "warning no_kib: 3",
      "warning no_regionals: 2",
      "warning shared_photo: 2",
      "warning name_cut: 1",
      "warning unknown_regional: 1",
      "warning bad_kib_number: 1",
      "warning birth_date_differs: 1",
      "warning odd_identity_number: 1",
      "warning unusual_identity_number: 1",
      "dead letter bad_identity_number: 6",
      "dead letter bad_name: 4",
      "dead letter identity_conflict: 1",
      expect.stringMatching(/^All \d+ employees agree, or have the warning or dead letter that they must have$/),
    ])
      expect(out.split("\n")).toContainEqual(line);
    // A photo that does not come at once is refused later, as a dead letter.
    const faceless = [...out.matchAll(/^(?:warning|dead letter) no_photo: (\d+)$/gm)].map(([, count]) => Number(count));
    expect(faceless.reduce((sum, count) => sum + count, 0)).toBe(7);
    expect({ exit, out }).toEqual({ exit: 0, out: expect.not.stringMatching(nik) });
  });

  test.each([
    ["kib", "KIB is 999", "NOT all 4 employees agree"],
    ["unmatched", "no record explains it", "All 4 employees agree, but HikCentral has what no record explains"],
  ])("--sabotage %s ends with 1 and names the KIB number", async (what, text, end) => {
    const { exit, out } = await run(`demo --once --people 4 --sabotage ${what}`);
    const [, kib] = /^Sabotage: .*KIB (\d+) /m.exec(out) ?? [];
    expect(out.split("\n")).toContainEqual(expect.stringMatching(new RegExp(`^KIB ${kib}, .*${text}`)));
    expect(out).toContain(end);
    expect(exit).toBe(1);
  });

  test("--sabotage breaks an ordinary record also where most people are odd, and says so where there is none", async () => {
    const few = await run("demo --once --people 2 --odd --sabotage kib");
    expect(few).toMatchObject({ exit: 1, out: expect.stringMatching(/^KIB 260000\d, .*: KIB is 999$/m) });
    const none = await run("demo --once --people 0 --sabotage kib");
    expect(none).toMatchObject({ exit: 1, err: expect.stringContaining("--sabotage found no record to break") });
  });

  test.each([
    ["--sabotage gate", "--sabotage must be one of person, face, kib, access, photo, picture, expired"],
    ["--people many", "--people must be a whole number"],
    ["--sabotag kib", "did you mean --sabotage?"],
    ["--broker http://127.0.0.1", "broker.url must be"],
  ])("%s ends before anything is done", async (words, text) => {
    const { exit, out, err } = await run(`demo --once ${words}`);
    expect({ exit, out }).toEqual({ exit: words.includes("broker") ? 78 : 64, out: "" });
    expect(err).toContain(text);
  });
});

test("demo --broker takes nothing from a RabbitMQ that is in use, and waits for none that is away", async () => {
  await using broker = await openUp(url);
  await broker.declare(["hikvision_update_kib"]);
  await broker.publish("hikvision_update_kib", [{ body: "{}" }]);
  const used = await run(`demo --once --people 1 --broker ${url}`);
  expect(used).toMatchObject({ exit: 69, out: "" });
  expect(used.err).toContain("in use: hikvision_update_kib has 1 messages and 0 consumers");
  expect(await depthOf(broker, "hikvision_update_kib")).toMatchObject({ ready: 1 });
  for await (const letter of messagesIn(broker, "hikvision_update_kib")) letter.ack();
  const away = await run("demo --once --people 1 --broker amqp://127.0.0.1:1");
  expect(away).toMatchObject({ exit: 69, err: expect.stringContaining("127.0.0.1:1 refuses the connection") });
});

describe("demo without --once", () => {
  const TMPDIR = temporaryFolder();

  /** Ctrl-C as soon as it has printed this. */
  async function stoppedAt(text: RegExp, people: number, look?: (out: string) => Promise<void>) {
    const command = [binary, "demo", "--people", String(people)];
    const child = Bun.spawn(command, { env: { TMPDIR }, stdout: "pipe", stderr: "pipe" });
    const read = async (stream: ReadableStream<Uint8Array>) => {
      let out = "";
      let isStopped = false;
      for await (const bytes of stream) {
        out += new TextDecoder().decode(bytes);
        if (isStopped || !text.test(out)) continue;
        isStopped = true;
        await look?.(out);
        child.kill("SIGINT");
      }
      return out;
    };
    const [out, err, exit] = await Promise.all([read(child.stdout), read(child.stderr), child.exited]);
    return { out, err, exit };
  }

  test("stays up, says what to try, and ends at Ctrl-C", async () => {
    const { exit, out } = await stoppedAt(/HikCentral holds/, 10, async (out) => {
      const lines = [...out.matchAll(/^ {2}curl (?:-X POST )?(?:--unix-socket (\S+) )?(http\S+) {2}# /gm)];
      const [trigger, ...reads] = lines.map(
        ([, unix, url]) =>
          (init: RequestInit = {}) =>
            fetch(`${url}`, { ...init, ...(unix && { unix }) }),
      );
      const again = await (await trigger?.({ method: "POST" }))?.json();
      expect(again).toMatchObject({ employees: 10 });
      const [runs, , hikcentral] = await Promise.all(reads.map(async (read) => (await read()).json()));
      expect(runs).toMatchObject({ runs: [{ employees: 10 }, { employees: 10, status: "done" }] });
      expect((hikcentral as { persons: unknown[] }).persons).toHaveLength(10);
    });
    expect({ exit, out }).toEqual({ exit: 0, out: expect.stringContaining("All 10 employees agree") });
  });

  test("stopped before its end says so, ends with 1 and leaves nothing", async () => {
    const { exit, out, err } = await stoppedAt(/A simulated Eposh/, 500);
    expect(err).toEndWith("stopped\n");
    expect({ exit, out }).toEqual({ exit: 1, out: expect.not.stringContaining("AGREE") });
    expect(readdirSync(TMPDIR)).toEqual([]);
  });
});

test.each(["eposh", "hikcentral"])(
  "simulate with an --%s-port that is taken names it and ends with 69",
  async (name) => {
    await using taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const ports = { "eposh-port": 0, "hikcentral-port": 0, [`${name}-port`]: taken.port };
    const words = Object.entries(ports).map(([flag, port]) => `--${flag}=${port}`);
    const { exit, out, err } = await run(["simulate", ...words]);
    expect({ exit, out }).toEqual({ exit: 69, out: "" });
    expect(err).toContain(`port ${taken.port} of 127.0.0.1 is not available`);
  },
);
