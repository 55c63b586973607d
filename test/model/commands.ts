import * as fc from "fast-check";
import { dates, type History } from "./history.ts";
import { type Human, spellings } from "./humans.ts";

/** One step of a history; every promise is checked after it. */
class Step implements fc.AsyncCommand<object, History> {
  constructor(
    readonly text: string,
    readonly act: (history: History) => unknown,
  ) {}
  check = () => true;
  async run(_: object, history: History): Promise<void> {
    await this.act(history);
    history.check();
  }
  toString = () => this.text;
}

const human = fc.constantFrom<Human>(0, 1);
const date = fc.nat(dates.length - 1);
const at = fc.nat(1);
const fields = {
  human,
  // Mostly the right one.
  nikOf: fc.constantFrom<Human | "own">("own", "own", "own", 0, 1),
  spelling: fc.nat(spellings - 1),
  picture: fc.nat(1),
  zones: fc.constantFrom([0], [1], [0, 1], []),
  date,
};
const record = fc.record(fields).map(({ nikOf, ...one }) => ({ ...one, nikOf: nikOf === "own" ? one.human : nikOf }));
const { human: _, ...changeable } = { ...fields, nikOf: human };
const oneChange = fc
  .record(changeable)
  .chain((all) => fc.constantFrom(...Object.entries(all)).map(([key, value]) => ({ [key]: value })));
const span = fc.oneof(
  { weight: 3, arbitrary: fc.constant([0, dates.length - 1] as const) },
  { weight: 1, arbitrary: fc.tuple(date, date).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const) },
);
const calls = fc.constantFrom("single/add", "single/update", "face/update", "customFieldsUpdate", "addPersons");

const text = (name: string, given: unknown) => `${name} ${JSON.stringify(given)}`;
const trigger = span.map(([a, b]) => new Step(text("trigger", [a, b]), (it) => it.trigger(a, b)));
const add = record.map((one) => new Step(text("add", one), (it) => it.add(one)));
const inHikCentral = (name: keyof History["human"], ...given: fc.Arbitrary<unknown>[]) =>
  fc.tuple(...given).map((all) => {
    const act = (it: History) => (it.human[name] as (...values: unknown[]) => void)(...all);
    return new Step(text(`a human ${name}`, all), act);
  });

/** Everything that may happen to the two, most often a record and a trigger. */
export const commands = fc.commands(
  [
    add,
    add,
    trigger,
    trigger,
    fc.tuple(fc.nat(3), oneChange).map(([which, change]) => {
      return new Step(text(`correct ${which}`, change), (it) => it.correct(which, change));
    }),
    fc.nat(3).map((which) => new Step(`remove ${which}`, (it) => it.remove(which))),
    fc.constant(new Step("refresh faces", (it) => it.trigger(0, dates.length - 1, { refresh: true }))),
    fc.constant(new Step("replay", (it) => it.replay())),
    fc.nat(20).map((stopAfter) => {
      return new Step(`trigger and restart after ${stopAfter}`, (it) => it.trigger(0, dates.length - 1, { stopAfter }));
    }),
    fc.nat(20).map((killAfter) => {
      return new Step(`trigger and kill after ${killAfter}`, (it) => it.trigger(0, dates.length - 1, { killAfter }));
    }),
    calls.map((match) => {
      return new Step(`trigger, answer to ${match} lost`, async (it) => {
        it.site.hikcentral.faults.set({ kind: "lost", match, times: 1 });
        await it.trigger(0, dates.length - 1);
        it.site.hikcentral.faults.set();
      });
    }),
    inHikCentral("makes", human),
    inHikCentral("calls", at),
    inHikCentral("takesOut", at, fc.nat(1)),
    inHikCentral("letsIn", at, fc.constantFrom("1", "2", "8", "9")),
    inHikCentral("ends", at),
    inHikCentral("blocks", at),
    inHikCentral("unblocks", at),
    inHikCentral("photographs", at),
    inHikCentral("deletes", at),
  ],
  { maxCommands: 12, size: "max" },
);
