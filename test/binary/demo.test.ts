import { describe, expect, test } from "bun:test";
import { binary, run } from "../support/daemon.ts";
import { sharedRabbit } from "../support/rabbitmq.ts";

const { url } = await sharedRabbit();
const nik = /\d{16}/;

const agrees = (people: number) =>
  ["persons", "faces", "KIB", "access"].map((row) => expect.stringMatching(new RegExp(`^${row} +${people} +0$`)));

describe("demo --once", () => {
  test.each([
    ["on the embedded queue", ""],
    ["on RabbitMQ", ` --broker ${url}`],
  ])("%s ends with 0 when all agree", async (_, more) => {
    const { exit, out } = await run(`demo --once --people 200${more}`);
    expect(out).toContain("200 employees, 0 dead letters");
    expect(out.split("\n")).toEqual(expect.arrayContaining(agrees(200)));
    expect({ exit, out }).toEqual({ exit: 0, out: expect.not.stringMatching(nik) });
  });

  test("--odd ends with 0 and the warnings and dead letters that odd people are to have", async () => {
    const { exit, out } = await run("demo --once --people 50 --odd");
    for (const line of [
      "warning no_photo: 7",
      "warning no_kib: 3",
      "warning no_regionals: 2",
      "warning shared_photo: 2",
      "warning name_cut: 1",
      "warning unknown_regional: 1",
      "dead letter bad_identity_number: 4",
      "dead letter bad_name: 3",
      "dead letter bad_kib_number: 1",
      "dead letter identity_conflict: 1",
    ])
      expect(out.split("\n")).toContain(line);
    expect({ exit, out }).toEqual({ exit: 0, out: expect.not.stringMatching(nik) });
  });

  test.each([
    ["kib", "KIB is 999"],
    ["face", "no face"],
    ["access", "not in privilege group"],
    ["person", "no such person"],
  ])("--sabotage %s ends with 1 and names the KIB number", async (what, text) => {
    const { exit, out } = await run(`demo --once --people 40 --sabotage ${what}`);
    const [, kib] = new RegExp(`^Sabotage: the ${what} of KIB (\\d+) was broken`, "m").exec(out) ?? [];
    expect(out.split("\n")).toContainEqual(expect.stringMatching(new RegExp(`^KIB ${kib}, .*: ${text}`)));
    expect(out).toContain("NOT all as expected");
    expect(exit).toBe(1);
  });

  test.each([
    ["--sabotage gate", "--sabotage must be one of kib, face, access, person"],
    ["--people many", "--people must be a whole number"],
    ["--sabotag kib", "did you mean --sabotage?"],
    ["--broker http://127.0.0.1", "broker.url must be"],
  ])("%s ends before anything is done", async (words, text) => {
    const { exit, out, err } = await run(`demo --once ${words}`);
    expect({ exit, out }).toEqual({ exit: words.includes("broker") ? 78 : 64, out: "" });
    expect(err).toContain(text);
  });
});

test("demo without --once stays up, says what to try, and ends at Ctrl-C", async () => {
  const child = Bun.spawn([binary, "demo", "--people", "10"], { env: {}, stdout: "pipe", stderr: "ignore" });
  let out = "";
  for await (const bytes of child.stdout) {
    out += new TextDecoder().decode(bytes);
    const [, address] = /curl (http\S+\/runs)\n[\s\S]*HikCentral/.exec(out) ?? [];
    if (!address) continue;
    const { runs } = (await (await fetch(address)).json()) as { runs: { employees: number }[] };
    expect(runs).toMatchObject([{ employees: 10, status: "done" }]);
    child.kill("SIGINT");
  }
  expect(await child.exited).toBe(0);
  expect(out).toMatch(/curl -X POST http:\/\/127\.0\.0\.1:\d+\/eposh-induction/);
});
