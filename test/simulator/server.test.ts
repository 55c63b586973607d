import { expect, test } from "bun:test";
import { startHikCentral } from "../../src/simulator/hikcentral.ts";
import { call, person } from "./calls.ts";

const add = "resource/v1/person/single/add";
const codeOf = (thrown: unknown) => (thrown as { code?: string }).code;

test("a reset cuts the connection before the work, a lost answer cuts it after", async () => {
  await using hikcentral = await startHikCentral({});
  hikcentral.faults.set({ kind: "reset", times: 1 }, { kind: "lost", match: "single/add", times: 1 });
  expect(codeOf(await call(hikcentral, add, person()).catch((error) => error))).toBe("ECONNRESET");
  expect(hikcentral.persons.size).toBe(0);
  expect(codeOf(await call(hikcentral, add, person()).catch((error) => error))).toBe("ECONNRESET");
  expect(hikcentral.persons.size).toBe(1);
  expect((await call(hikcentral, add, person())).code).toBe("131");
  expect(hikcentral.faults.seen).toEqual({ reset: 1, lost: 1 });
});

test("half an answer begins well and is cut in the middle, after the work", async () => {
  await using hikcentral = await startHikCentral({ faults: [{ kind: "half", times: 1 }] });
  expect(codeOf(await call(hikcentral, add, person()).catch((error) => error))).toBe("ECONNRESET");
  expect(hikcentral.faults.seen).toEqual({ half: 1 });
  expect((await call(hikcentral, add, person())).code).toBe("131");
});

test("a call that hangs has no answer until its caller gives up, and does no work", async () => {
  await using hikcentral = await startHikCentral({ faults: [{ kind: "hang", times: 1 }] });
  const stop = new AbortController();
  const hanging = fetch(`${hikcentral.url}/api/${add}`, { method: "POST", body: "{}", signal: stop.signal });
  const ended = hanging.then(
    () => "answered",
    (error: Error) => error.name,
  );
  while (!hikcentral.faults.seen.hang) await Bun.sleep(1);
  expect((await call(hikcentral, "common/v1/version", {})).code).toBe("0");
  stop.abort();
  expect(await ended).toBe("AbortError");
  expect(hikcentral.calls).toEqual({ "common/v1/version": 1 });
});

test("a simulator that is down refuses connections, and comes back on its port with its persons", async () => {
  await using hikcentral = await startHikCentral({});
  hikcentral.seed(person());
  await hikcentral.down();
  expect(codeOf(await call(hikcentral, "common/v1/version", {}).catch((error) => error))).toBe("ECONNREFUSED");
  await hikcentral.up();
  expect((await call(hikcentral, add, person())).code).toBe("131");
});

test("closing ends calls that hang", async () => {
  const hikcentral = await startHikCentral({ faults: [{ kind: "hang" }] });
  const hanging = call(hikcentral, add, person()).catch(codeOf);
  while (!hikcentral.faults.seen.hang) await Bun.sleep(1);
  await hikcentral[Symbol.asyncDispose]();
  expect(await hanging).toBe("ECONNRESET");
});

test("a share of calls is the same share of the same calls for the same seed", async () => {
  const outcomes = async (seed: number) => {
    await using hikcentral = await startHikCentral({ seed, faults: [{ kind: "reset", share: 0.3 }] });
    const all: boolean[] = [];
    for (let i = 0; i < 100; i++)
      all.push(
        await call(hikcentral, "common/v1/version", {}).then(
          () => true,
          () => false,
        ),
      );
    return all;
  };
  const first = await outcomes(7);
  expect(await outcomes(7)).toEqual(first);
  expect(first.filter((answered) => !answered).length).toBeWithin(15, 46);
});

test("faults are switched and counted over HTTP, and a fault that nobody knows is refused", async () => {
  await using hikcentral = await startHikCentral({});
  const control = (body: object) =>
    fetch(`${hikcentral.origin}/_control`, { method: "POST", body: JSON.stringify(body) });
  expect(
    (
      await control({
        faults: [
          { kind: "slow", minMs: 30, maxMs: 40 },
          { kind: "answer", status: 503 },
        ],
      })
    ).status,
  ).toBe(200);
  const started = performance.now();
  expect((await fetch(`${hikcentral.url}/api/common/v1/version`, { method: "POST" })).status).toBe(503);
  expect(performance.now() - started).toBeGreaterThan(28);
  const state = await (await fetch(`${hikcentral.origin}/_state`)).json();
  expect(state).toMatchObject({ persons: [], calls: {}, faults: { slow: 1, answer: 1 } });
  expect((await control({ faults: [{ kind: "explode" }] })).status).toBe(400);
});
