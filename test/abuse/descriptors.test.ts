import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, type Socket } from "node:net";
import { budi, type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const callers = 1_000;
/** All that the daemon may have open. */
const descriptors = 256;
const date = "2026-01-05";

let site: Site;
beforeAll(async () => {
  site = await startSite({ as: "binary", enter: ["prlimit", `--nofile=${descriptors}:${descriptors}`] });
});
afterAll(async () => await site?.[Symbol.asyncDispose]());

/** What those who take descriptors send. */
const attempts: [string, string][] = [
  ["say nothing", ""],
  ["begin a request", "GET /livez HT"],
  ["never send the body", "POST /eposh-induction HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{"],
  ["stay after their answer", "GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"],
];

/** So many connections to the port; each one that is closed is opened again. */
function hold(sent: string): { ended: number } & Disposable {
  const [sockets, timers] = [new Set<Socket>(), new Set<ReturnType<typeof setTimeout>>()];
  const open = () => {
    const socket = connect(Number(new URL(site.url).port), "127.0.0.1", () => void socket.write(sent));
    sockets.add(socket);
    socket.on("error", () => {});
    socket.resume();
    socket.once("close", () => {
      held.ended++;
      sockets.delete(socket);
      const timer = setTimeout(() => {
        timers.delete(timer);
        open();
      }, 500);
      timers.add(timer);
    });
  };
  const held = {
    ended: 0,
    [Symbol.dispose]() {
      for (const socket of sockets) socket.removeAllListeners("close").destroy();
      for (const timer of timers) clearTimeout(timer);
    },
  };
  for (let at = 0; at < callers; at++) open();
  return held;
}

test.each(attempts)(
  "beside 1,000 callers who %s, with 256 descriptors, people get through and a caller is answered",
  async (sending, sent) => {
    const nik = (at: number) =>
      `35000031019${attempts.findIndex(([one]) => one === sending)}${String(at).padStart(4, "0")}`;
    const words = ["Agus", "Budi", "Dewi", "Siti", "Joko", "Rina", "Tono", "Wati", "Yuni", "Eko"];
    const people = words.map((word, at) =>
      budi(site, { identity_number: nik(at + 1), name: `${word} Contoh`, kib_number: `${nik(at).slice(-6)}` }),
    );
    site.eposh.days.set(date, people);
    const before = site.atTheGate().length;
    using held = hold(sent);
    await until(() => held.ended > callers / 2, { what: "those who hold connections to be ended" });
    const soon = { signal: AbortSignal.timeout(10_000), keepalive: false };
    const body = JSON.stringify({ from: date, to: date });
    const headers = { prefer: "respond-async" };
    const trigger = await fetch(`${site.url}/eposh-induction`, { method: "POST", body, headers, ...soon });
    expect(trigger.status).toBe(202);
    expect((await fetch(`${site.url}/livez`, soon)).status).toBe(200);
    await until(() => site.atTheGate().length === before + people.length, { what: "all people to be at the gate" });
    expect(site.output()).toContain("connections: the oldest were closed");
  },
);
