import { root } from "./cli/commands.ts";
import { exit, fail } from "./cli/exit.ts";
import { runLine } from "./cli/run.ts";
import { decoderWord } from "./upstreams/decoder/decoder.ts";
import { importWord } from "./util/own-program.ts";
import { ignoreClosedPipes } from "./util/text/closed-pipes.ts";

// See build.ts: from here on it pays. The daemon does it when it begins to work.
if (process.argv[2] !== "serve") setTimeout(() => Bun.unsafe.setJITPolicy(1), 1_000).unref();

if (process.argv[2] === decoderWord) await (await import("./upstreams/decoder/decoder-process.ts")).decodePhotos();

if (process.argv[2] === importWord) await (await import("./registry/import-process.ts")).importFromStdin();

// Otherwise the runtime would print an uncaught error unmasked, with source lines.
process.on("uncaughtException", (error) => exit(fail(error)));
process.on("unhandledRejection", (error) => exit(fail(error)));
// SIGHUP must not end the daemon before `serve` listens for it.
if (process.argv[2] === "serve") process.on("SIGHUP", () => {});
// The daemon's log does it, when it first needs process.stdout.
else ignoreClosedPipes();

// n.b. The runtime sends even loopback calls through HTTP_PROXY. The lower-case spelling wins over NO_PROXY.
const { no_proxy: direct = process.env.NO_PROXY } = process.env;
process.env.no_proxy = [direct, "127.0.0.1", "localhost", "::1"].filter(Boolean).join(",");

const code = await runLine(root, process.argv.slice(2)).catch(fail);
// A timer or listener that a stage left behind must not keep the process alive. n.b. Only `end` flushes to a pipe.
process.stdout.end(() => process.stderr.end(() => exit(code)));
