import { plugin } from "bun";
import * as stageModule from "../stage.ts";

let registered = false;
/** A stage that imports `hikvision-sync` gets this program's own module: the same classes. */
function register(): void {
  if (registered) return;
  registered = true;
  plugin({
    name: "hikvision-sync",
    setup: (build) => void build.module("hikvision-sync", () => ({ loader: "object", exports: stageModule })),
  });
  // Thrown during the import of a stage it refuses the stage; thrown in its run it is a retry.
  process.exit = () => {
    throw new Error("process.exit would end the daemon; return or throw instead");
  };
}

/** Imports a bundle as a blob: a module that failed once would stay broken for the life of the process. */
export async function importBundle(bundle: string): Promise<{ default?: unknown }> {
  register();
  const url = URL.createObjectURL(new Blob([bundle], { type: "text/javascript" }));
  try {
    return (await import(url)) as { default?: unknown };
  } finally {
    URL.revokeObjectURL(url);
  }
}
