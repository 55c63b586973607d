import { describe, expect, test } from "bun:test";
import { defineCommand } from "citty";
import { explain, untilStopped } from "../../src/cli/exit.ts";
import { runLine } from "../../src/cli/run.ts";
import { Exit, exits } from "../../src/errors.ts";

/** A command line that notes what ran. */
function line() {
  const ran: unknown[] = [];
  const trigger = defineCommand({
    meta: { name: "trigger", description: "Ask for a run" },
    args: {
      from: { type: "string", valueHint: "date", description: "first date" },
      limit: { type: "string", alias: "l", description: "people" },
      "dry-run": { type: "boolean", description: "do nothing" },
      broker: { type: "enum", options: ["sqlite", "amqp"], description: "which" },
    },
    run: ({ args }) =>
      void ran.push({ from: args.from, limit: args.limit, dryRun: args["dry-run"], broker: args.broker }),
  });
  const show = defineCommand({
    meta: { name: "show", description: "Show one" },
    args: { id: { type: "positional", description: "which one" } },
    run: ({ args }) => {
      ran.push(args.id);
      return exits.unavailable;
    },
  });
  const dead = defineCommand({
    meta: { name: "dead", description: "Dead letters" },
    subCommands: { show: () => show },
    run: () => void ran.push("dead"),
  });
  const root = defineCommand({
    meta: { name: "program", description: "A program" },
    subCommands: { trigger: async () => trigger, dead },
  });
  return { ran, run: (...words: string[]) => runLine(root, words) };
}

describe("a command line that is right", () => {
  test("runs its command with its flags", async () => {
    const { run, ran } = line();
    expect(await run("trigger", "--from", "2026-01-01", "--dry-run", "-l", "1", "--broker=amqp")).toBe(exits.ok);
    expect(await run("trigger", "--limit=-5", "--no-dry-run")).toBe(exits.ok);
    expect(ran).toEqual([
      { from: "2026-01-01", limit: "1", dryRun: true, broker: "amqp" },
      { from: undefined, limit: "-5", dryRun: false, broker: undefined },
    ]);
  });

  test("runs only the deepest command that it names, and gives that one's exit code", async () => {
    const { run, ran } = line();
    expect(await run("dead", "show", "7")).toBe(exits.unavailable);
    expect(await run("dead")).toBe(exits.ok);
    expect(ran).toEqual(["7", "dead"]);
  });
});

test.each([
  ["", "USAGE"],
  ["triger", "unknown command triger: did you mean trigger?"],
  ["constructor", "unknown command constructor: see program --help"],
  ["dead shwo 7", "unknown command shwo: did you mean show?"],
  ["trigger --dry-rnu", "unknown flag --dry-rnu: did you mean --dry-run?"],
  ["trigger --hepl", "unknown flag --hepl: did you mean --help?"],
  ["trigger -x", "unknown flag -x: see program trigger --help"],
  ["trigger --dryRun", "unknown flag --dryRun"],
  ["trigger --no-from", "unknown flag --no-from"],
  ["--from today trigger", "unknown flag --from"],
  ["trigger --from", "--from requires a value"],
  ["trigger --from=", "--from requires a value"],
  ["trigger --from --dry-run", "--from requires a value"],
  ["trigger --dry-run=false", "--dry-run takes no value"],
  ["trigger --broker kafka", "--broker"],
  ["trigger today", "unexpected argument today"],
  ["trigger -- today", "unexpected argument today"],
  ["dead show", "id is missing"],
  ["dead show 7 8", "unexpected argument 8"],
])("%p is refused with exit 64, runs nothing and says why", async (words, text) => {
  const { run, ran } = line();
  const error = await run(...words.split(" ").filter(Boolean)).catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Exit);
  expect((error as Exit).exit).toBe(exits.usage);
  expect((error as Exit).message).toContain(text);
  expect((error as Exit).message).not.toMatch(/\x1b/);
  expect(ran).toEqual([]);
});

test("an error of the command itself is passed on as it is", async () => {
  const error = new Error("broken");
  const root = defineCommand({ meta: { name: "program" }, run: () => Promise.reject(error) });
  expect(await runLine(root, []).catch((thrown: unknown) => thrown)).toBe(error);
  expect(explain(error)).toBe("broken");
  expect(explain(undefined)).toContain("not an error");
});

test("a command that stays is told to stop by the first signal, and leaves no listener behind", () => {
  const before = ["SIGTERM", "SIGINT", "SIGHUP"].map((name) => process.listenerCount(name));
  {
    using stop = untilStopped();
    process.emit("SIGHUP");
    expect(stop.signal.aborted).toBe(false);
    process.emit("SIGTERM");
    expect(stop.signal.aborted).toBe(true);
  }
  expect(["SIGTERM", "SIGINT", "SIGHUP"].map((name) => process.listenerCount(name))).toEqual(before);
});
