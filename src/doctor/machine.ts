import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { Config } from "../config/load.ts";
import { Exit, textOf } from "../errors.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { type Examine, Fault } from "./probe.ts";

/** Below it a run of 1,543 with its log and ledger is no longer certain to fit. */
const minFreeBytes = 256 << 20;

const reasonOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "unreadable";

/** The folder, or the nearest one above it that is there. */
function existing(folder: string): string {
  try {
    statSync(folder);
    return folder;
  } catch (error) {
    return reasonOf(error) === "ENOENT" && dirname(folder) !== folder ? existing(dirname(folder)) : folder;
  }
}

/** Whether the service can write there; it may be another user than who asks. Makes nothing. */
export function checkWritable(folder: string, key: string): string {
  const there = existing(folder);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (!isOfAnother(there, error)) {
      const fix = `give it to the service: chown hikvision-sync ${there}; or set ${key}`;
      throw new Fault("folder_not_writable", `${there} cannot be written (${reasonOf(error)})`, fix);
    }
  }
  return there === folder ? `${folder} can be written` : `${folder} is made at the first start`;
}

/** Its owner may, and it is not us: then the service is meant to be its owner, or root prepares it. */
function isOfAnother(folder: string, error: unknown): boolean {
  if (reasonOf(error) !== "EACCES") return false;
  try {
    const { uid, mode } = statSync(folder);
    return uid !== process.geteuid?.() && (mode & 0o300) === 0o300;
  } catch {
    // Nor may we look into the one above it.
    return true;
  }
}

function checkRoom(folder: string): string {
  const { bavail, bsize } = statfsSync(existing(folder));
  const free = `${((bavail * bsize) / 2 ** 30).toFixed(1)} GiB are free`;
  if (bavail * bsize >= minFreeBytes) return free;
  throw new Fault(
    "disk_full",
    `only ${Math.floor((bavail * bsize) / 2 ** 20)} MiB are free`,
    `make room below ${folder}`,
  );
}

/** The folder, its disk and the stages; resolves to the stages, none where they do not load. */
export async function examineMachine(
  examine: Examine,
  { state }: Config,
  load: () => Promise<RegisteredStage[]>,
): Promise<RegisteredStage[]> {
  let registered: RegisteredStage[] = [];
  const folder = await examine("state folder", async () => checkWritable(state.folder, "state.folder"));
  await examine("disk", async () => checkRoom(state.folder), [folder]);
  await examine("stages", async () => {
    registered = await load().catch((error: unknown) => {
      if (!(error instanceof Exit)) throw error;
      throw new Fault("stage_refused", textOf(error), "mend it, or take it out of stages.folder: hikvision-sync check");
    });
    return `${registered.length} load: ${registered.map(({ stage }) => stage.name).join(", ")}`;
  });
  return registered;
}
