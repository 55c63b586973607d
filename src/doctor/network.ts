import { lookup } from "node:dns/promises";
import { connect } from "node:net";
import { untilAborted } from "../util/abort.ts";
import { Fault, type Look, Unchecked } from "./probe.ts";

export interface Address {
  host: string;
  port: number;
  /** The setting that it comes from. */
  key: string;
}

/** `https://[::1]/x` → ::1 and 443. */
export function addressOf({ hostname, port, protocol }: URL, key: string): Address {
  const standard = { "http:": 80, "https:": 443, "amqp:": 5672, "amqps:": 5671 }[protocol] ?? 0;
  return { host: hostname.replace(/^\[|\]$/g, ""), port: Number(port) || standard, key };
}

/** Whether the name resolves and the port is open. */
export const reach =
  ({ host, port, key }: Address): Look =>
  async (signal) => {
    await untilAborted(lookup(host), signal).catch(() => {
      throw new Fault("name_not_resolved", `${host} does not resolve`, `fix ${key}, or the DNS: getent hosts ${host}`);
    });
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const socket = connect({ host, port });
    socket.once("connect", resolve).once("error", reject);
    await untilAborted(promise, signal)
      .catch(() => {
        const fix = `check that it is running, the port of ${key}, and the firewall`;
        throw new Fault("port_closed", `no answer at port ${port} of ${host}`, fix);
      })
      .finally(() => socket.destroy());
    return `port ${port} of ${host} is open`;
  };

const maxOffMs = 5 * 60_000;

/** How far the clock of a system that answered with this Date (milliseconds) is from ours. */
export function compareClocks(offMs: number | undefined): string {
  if (offMs === undefined) throw new Unchecked("its answers give no time");
  const minutes = Math.round(Math.abs(offMs) / 60_000);
  if (Math.abs(offMs) <= maxOffMs) return "agrees with this machine";
  const text = `is ${minutes} minutes ${offMs > 0 ? "ahead of" : "behind"} this machine`;
  throw new Fault("clock_off", text, "set the wrong clock by NTP; on this machine: timedatectl set-ntp true");
}
