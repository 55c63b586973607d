import { once } from "node:events";
import { defineCommand } from "citty";
import { startSimulators } from "../../simulator/start.ts";
import { numberOf } from "../args.ts";
import { untilStopped } from "../exit.ts";
import { print } from "../output.ts";

export default defineCommand({
  meta: {
    name: "simulate",
    description: "Run a simulated Eposh and HikCentral to rehearse with",
  },
  args: {
    people: { type: "string", valueHint: "n", default: "1543", description: "number of employees" },
    odd: { type: "boolean", description: "add employees with bad data" },
    seed: { type: "string", valueHint: "n", default: "0", description: "another number, other employees" },
    "eposh-port": {
      type: "string",
      valueHint: "port",
      default: "5101",
      description: "port of Eposh and its photos",
    },
    "hikcentral-port": {
      type: "string",
      valueHint: "port",
      default: "5102",
      description: "port of HikCentral",
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
    print("# Paste into the shell of a daemon that should use these two:");
    for (const [name, value] of Object.entries(env)) print(`export ${name}=${value}`);
    print("# Look inside or inject faults, until Ctrl-C here:");
    print(`# Eposh       GET ${eposh.origin}/_state       POST ${eposh.origin}/_control`);
    print(`# HikCentral  GET ${hikcentral.origin}/_state  POST ${hikcentral.origin}/_control`);
    if (!stop.signal.aborted) await once(stop.signal, "abort");
  },
});
