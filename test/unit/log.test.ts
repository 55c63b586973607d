import { describe, expect, test } from "bun:test";
import { inspect } from "node:util";
import fc from "fast-check";
import { Secret } from "../../src/config/secret.ts";
import { adoptConsole, createLog, type LogOptions } from "../../src/observability/log.ts";
import { createMask } from "../../src/observability/mask.ts";

const nik = "3500000000000001";
const now = () => new Date("2026-01-05T03:04:05.678Z");

/** A log and what it wrote. */
function listen(options: LogOptions = {}) {
  const written: string[] = [];
  const log = createLog({ format: "json", now, write: (text) => void written.push(text), ...options });
  return {
    log,
    written,
    all: () => written.join(""),
    records: () => written.map((text) => JSON.parse(text)),
  };
}

describe("no NIK and no secret is written", () => {
  const secret = 'p@ss/w"rd';
  const cause = new Error(`cause ${nik}`);
  const circular: Record<string, unknown> = { nik };
  circular.self = circular;
  const places: [string, unknown][] = [
    ["a text", `a ${nik} b ${secret}`],
    ["a longer run of digits", `12${nik}34`],
    ["a number", 3500000000000001],
    ["a big number", 35000000000000010n],
    ["a list in a record", { people: [{ nik, key: secret }] }],
    ["the name of a field", { [nik]: 1, [secret]: 2 }],
    ["an error and its causes", new Error(`failed ${secret}`, { cause: new Error("inner", { cause }) })],
    ["several errors in one", new AggregateError([new Error(nik), new Error(secret)])],
    ["a circular record", circular],
    ["a map, a set, a function, a symbol", [new Map([[nik, secret]]), new Set([nik]), () => nik, Symbol(nik)]],
    ["a record that answers for itself", { toJSON: () => ({ nik, secret }) }],
    ["a URL", new URL(`https://user:${encodeURIComponent(secret)}@127.0.0.1/?nik=${nik}`)],
    ["a Secret", new Secret(secret)],
    ["bytes", new TextEncoder().encode(nik + secret)],
  ];
  for (const format of ["pretty", "journal", "json"] as const)
    test.each(places)(`as %s, in ${format}`, (_, value) => {
      for (const level of ["info", "debug"] as const) {
        const { log, all } = listen({ format, level, mask: createMask([secret]) });
        log.warn(value as string, { value });
        log.child({ value }).error("again");
        expect(all()).not.toBe("");
        for (const hidden of [nik, secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1), "cause 35"])
          expect(all()).not.toContain(hidden);
      }
    });

  test("wherever in a text they stand", () => {
    const hidden = ["3500", "key-0001", "key-0001-longer"];
    const mask = createMask(hidden);
    const part = fc.oneof(fc.constantFrom(nik, ...hidden), fc.string({ maxLength: 6 }));
    fc.assert(
      fc.property(fc.array(part), (parts) => {
        const masked = mask(parts.join(""));
        expect(masked).not.toMatch(/\d{16}/);
        for (const secret of hidden) expect(masked).not.toContain(secret);
      }),
    );
  });

  test.each([
    [
      "the password",
      "https://hook:p%40ss%2Fword@127.0.0.1/",
      ["p%40ss%2Fword", "p@ss/word", "p%40ss%2Fword".toLowerCase()],
    ],
    ["a short password with its @", "amqp://sync:12@127.0.0.1/", [":12@"]],
    ["a value of the query", "https://127.0.0.1/hook?key=ab%2Bcd-1&a=1", ["ab%2Bcd-1", "ab+cd-1"]],
    ["a long part of the path", "https://127.0.0.1/hooks/T0123456789ABCDEF", ["T0123456789ABCDEF"]],
  ])("an address that is a secret hides %s too", (_, address, parts) => {
    const mask = createMask([address]);
    for (const part of [address, ...parts]) expect(mask(`x ${part} x`)).not.toContain(part);
    expect(mask("hooks of 127.0.0.1")).toBe("hooks of 127.0.0.1");
  });

  test("a secret of under 4 characters leaves words alone", () => {
    expect(createMask(["a", "", "abc"])("abc a")).toBe("abc a");
  });

  test("a secret learnt later is hidden from then on, for every child", () => {
    const { log, all } = listen();
    const child = log.child({ stage: "update-kib" });
    log.mask.hide(["late-secret"]);
    child.info("late-secret");
    expect(all()).toContain("[secret]");
  });

  test("something that throws when it is looked at is still a line", () => {
    const { log, records } = listen();
    const trap = Object.defineProperty({}, "x", {
      enumerable: true,
      get: () => {
        throw new Error(nik);
      },
    });
    log.info("trap", { trap });
    expect(records()[0]).toMatchObject({ text: "trap", trap: "something that cannot be printed" });
  });
});

describe("the three formats", () => {
  test("json is one object a line, and a field never takes the place of time, level or text", () => {
    const { log, written, records } = listen();
    log.child({ stage: "publisher", run: undefined }).info("two\nlines", { text: "no", kib: "2600001" });
    expect(written[0]?.split("\n")).toHaveLength(2);
    expect(records()).toEqual([
      {
        time: "2026-01-05T03:04:05.678Z",
        level: "info",
        text: "two\nlines",
        stage: "publisher",
        kib: "2600001",
      },
    ]);
  });

  test("journal gives each line its priority and what a person greps for", () => {
    const { log, all } = listen({ format: "journal", level: "debug" });
    const own = log.child({ stage: "publisher", run: "r1" });
    own.info("Received batch: Page 1/2");
    own.error("broken", { code: "answer_lost", note: "two words" });
    log.warn("careful");
    log.debug("detail");
    expect(all()).toBe(
      `<6>Received batch: Page 1/2 stage=publisher run=r1
<3>broken stage=publisher run=r1 code=answer_lost note="two words"
<4>careful
<7>detail
`,
    );
  });

  test("pretty shows the fields of what is no information", () => {
    const { log, all } = listen({ format: "pretty" });
    log.info("Received batch: Page 1/2", { run: "r1" });
    log.warn("careful", { run: "r1" });
    expect(all()).toMatch(/^\d\d:\d\d:05 Received batch: Page 1\/2\n\d\d:\d\d:05 careful run=r1\n$/);
  });

  const forged = "Budi\x1b[2J\r\x07\x9b\u2028\u202e Contoh\n<0>forged";
  const shown = String.raw`Budi\x1b[2J\r\x07\x9b\u2028\u202e Contoh\n<0>forged`;
  test.each(["pretty", "journal"] as const)(
    "%s: a foreign text is shown in one line, and moves no cursor",
    (format) => {
      const { log, all } = listen({ format });
      log.warn(forged, { name: forged });
      expect(all()).toContain(shown);
      expect(all().match(/[\p{Cc}\p{Zl}\p{Bidi_Control}]/gu)).toEqual(["\n"]);
    },
  );

  test("json: a foreign text is what it was, and moves no cursor", () => {
    const { log, all, records } = listen();
    log.warn(forged, { name: forged });
    expect(records()[0]).toMatchObject({ text: forged, name: forged });
    expect(all().match(/[\p{Cc}\p{Zl}\p{Bidi_Control}]/gu)).toEqual(["\n"]);
  });
});

describe("a line is never lost or folded", () => {
  test("a hundred identical lines are a hundred lines", () => {
    const { log, written } = listen();
    for (let count = 0; count < 100; count++) log.info("the same");
    expect(written).toHaveLength(100);
  });

  test("what found no room is counted and said as soon as there is some", () => {
    let hasRoom = false;
    const written: string[] = [];
    const log = createLog({ format: "json", write: (text) => hasRoom && written.push(text) });
    for (const text of ["one", "two", "three"]) log.info(text);
    hasRoom = true;
    log.info("four");
    expect(written.map((text) => JSON.parse(text).text)).toEqual([
      "3 log entries were dropped, because the reader of the log was too slow",
      "four",
    ]);
  });

  test.each([
    ["error", ["error"]],
    ["warn", ["error", "warn"]],
    ["info", ["error", "warn", "info"]],
    ["debug", ["error", "warn", "info", "debug"]],
  ] as const)("level %s writes %p", (level, expected) => {
    const { log, records } = listen({ level });
    for (const name of ["error", "warn", "info", "debug"] as const) log[name]("x");
    expect(records().map((record) => record.level)).toEqual([...expected]);
  });
});

test("an error brings its causes, and its stack at debug only", () => {
  const error = new Error("no answer", { cause: new Error("refused") });
  const { log, records } = listen();
  log.error("x", { error });
  expect(records()[0].error).toBe("no answer, caused by refused");
  const debug = listen({ level: "debug" });
  debug.log.error("x", { error });
  expect(debug.records()[0].error).toContain("log.test.ts");
});

test("what a library says to the console goes through the log, and no longer than wanted", () => {
  const before = { ...console };
  const { log, records } = listen();
  {
    using _adopted = adoptConsole(log);
    console.log("found %s", nik, { nik });
    console.error(new Error(nik));
  }
  expect({ ...console }).toEqual(before);
  expect(records().map((record) => record.level)).toEqual(["info", "error"]);
  expect(inspect(records())).not.toContain(nik);
});
