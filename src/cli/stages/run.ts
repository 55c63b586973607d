import { readFileSync } from "node:fs";
import { defineCommand } from "citty";
import { createClients } from "../../clients.ts";
import { todayIn } from "../../config/dates.ts";
import { siteOf } from "../../config/load.ts";
import { Exit, exits, textOf } from "../../errors.ts";
import { noPersonMemory } from "../../ledger/person-memory.ts";
import { noPhotoHistory } from "../../ledger/photos/history.ts";
import { noRecordMemory } from "../../ledger/unchanged.ts";
import { createLog } from "../../observability/log.ts";
import { execute } from "../../sdk/execute.ts";
import { recordHttp } from "../../sdk/http-recorder.ts";
import { loadConfig } from "../args.ts";
import { untilStopped } from "../exit.ts";
import { mask, print, printError } from "../output.ts";
import { folderArguments, folderOf, stageIn, stagesFor } from "./folder.ts";

export default defineCommand({
  meta: { name: "run", description: "Run one message through a stage; print what it sends" },
  args: {
    name: { type: "positional", required: true, description: "name of the stage" },
    message: { type: "string", required: true, valueHint: "file", description: "JSON file with the message" },
    "dry-run": { type: "boolean", description: "print changes instead of sending them" },
    ...folderArguments,
  },
  async run({ args }) {
    using stop = untilStopped();
    const dryRun = args["dry-run"] === true;
    const found = folderOf(args, (options) => loadConfig(args, options));
    const { config } = found;
    const one = stageIn(await stagesFor(found), args.name);
    const body = read(args.message);
    const log = createLog({ level: config.log.level, mask, write: (text) => process.stderr.write(text) });
    await using clients = createClients(config, log);
    using _watch = recordHttp({ dryRun, hikcentral: new URL(config.hikcentral.url).host, say: print });
    const signal = AbortSignal.any([stop.signal, AbortSignal.timeout(one.stage.deadlineMs ?? 10 * 60_000)]);
    const { outcome, code, text, returned, warnings } = await execute(one, body, {
      clients: (signal) => ({
        hikcentral: clients.hikcentral.for(signal),
        eposh: clients.eposh.for(signal),
        photo: { ...clients.photos.for(signal), ...noPhotoHistory },
        memory: noPersonMemory,
        records: noRecordMemory,
        site: siteOf(config, todayIn(config.site.timeZone)),
      }),
      log,
      signal,
      dryRun,
    });
    for (const warning of warnings) print(`warning    ${warning.code}: ${warning.text}`);
    for (const { stage } of one.successors)
      for (const { message } of returned)
        print(`publish    ${stage.queue} ${JSON.stringify(message)} (not published by this command)`);
    if (outcome === "done" || outcome === "ended") print(`${outcome}${text ? `: ${text}` : ""}`);
    else printError(`${outcome}: ${code}: ${text}`);
    return outcome === "done" || outcome === "ended" ? exits.ok : exits.failed;
  },
});

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (cause) {
    throw new Exit(exits.usage, `the message cannot be read: ${textOf(cause)}`, { cause });
  }
}
