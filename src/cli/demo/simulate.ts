import { once } from "node:events";
import { defineCommand } from "citty";
import { startSimulators } from "../../simulator/start.ts";
import { numberOf } from "../args.ts";
import { untilStopped } from "../exit.ts";
import { print } from "../output.ts";

export default defineCommand({
  meta: {
    name: "simulate",
    description: "Run an Eposh and a HikCentral to rehearse with, on this machine only",
  },
  args: {
    people: { type: "string", valueHint: "n", default: "1543", description: "how many employees Eposh has" },
    odd: { type: "boolean", description: "add people with every kind of bad data" },
    seed: { type: "string", valueHint: "n", default: "0", description: "other people for another number" },
    "eposh-port": {
      type: "string",
      valueHint: "port",
      default: "5101",
      description: "Eposh and its photos listen here",
    },
    "hikcentral-port": {
      type: "string",
      valueHint: "port",
      default: "5102",
      description: "HikCentral listens here",
    },
  },
  async run({ args }) {
    using stop = untilStopped();
    const ports = {
      eposh: numberOf("eposh-port", args, { max: 65_535 }),
      hikcentral: numberOf("hikcentral-port", args, { max: 65_535 }),
    };
    const options = {
      people: numberOf("people", args),
      odd: args.odd === true,
      seed: numberOf("seed", args),
      ports,
    };
    await using simulators = await startSimulators(options);
    const { eposh, hikcentral, env } = simulators;
    print("# Into the shell of a daemon that is to use these two:");
    for (const [name, value] of Object.entries(env)) print(`export ${name}=${value}`);
    print("# What they hold, and faults for them, until Ctrl-C here:");
    print(`# Eposh       GET ${eposh.origin}/_state       POST ${eposh.origin}/_control`);
    print(`# HikCentral  GET ${hikcentral.origin}/_state  POST ${hikcentral.origin}/_control`);
    if (!stop.signal.aborted) await once(stop.signal, "abort");
  },
});
