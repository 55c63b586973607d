import { accessSync, constants, statfsSync, statSync } from "node:fs";
import { dirname } from "node:path";
import type { LocalConfig } from "../config/load.ts";
import { Exit, textOf } from "../errors.ts";
import type { RegisteredStage } from "../registry/registry.ts";
import { type Examine, Fault } from "./probe.ts";

/** With less, a run of 1,543 employees with its log and ledger may not fit. */
const minFreeBytes = 256 << 20;

const reasonOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? "unreadable";

/** The folder, or the nearest existing one above it. */
function existing(folder: string): string {
  try {
    statSync(folder);
    return folder;
  } catch (error) {
    return reasonOf(error) === "ENOENT" && dirname(folder) !== folder ? existing(dirname(folder)) : folder;
  }
}

/** Whether the service can write there; it may be another user than the one who asks. Creates nothing. */
export function checkWritable(folder: string, key: string): string {
  const there = existing(folder);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
  } catch (error) {
    if (!isOfAnother(there, error)) {
      const fix = `make the service its owner: chown hikvision-sync ${there}; or set ${key}`;
      throw new Fault("folder_not_writable", `${there} is not writable (${reasonOf(error)})`, fix);
    }
  }
  return there === folder ? `${folder} is writable` : `${folder} is created at the first start`;
}

/** Another user owns the folder and may write it: that user is the service, or root has yet to prepare the folder. */
function isOfAnother(folder: string, error: unknown): boolean {
  if (reasonOf(error) !== "EACCES") return false;
  try {
    const { uid, mode } = statSync(folder);
    return uid !== process.geteuid?.() && (mode & 0o300) === 0o300;
  } catch {
    // The folder above it may not be read either.
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
    `free disk space below ${folder}`,
  );
}

/** The folder, its disk and the stages; resolves to the stages, none where they do not load. */
export async function examineMachine(
  examine: Examine,
  { state }: LocalConfig,
  load: () => Promise<RegisteredStage[]>,
): Promise<RegisteredStage[]> {
  let registered: RegisteredStage[] = [];
  const folder = await examine("state folder", async () => checkWritable(state.folder, "state.folder"));
  await examine("disk", async () => checkRoom(state.folder), [folder]);
  await examine("stages", async () => {
    registered = await load().catch((error: unknown) => {
      if (!(error instanceof Exit)) throw error;
      throw new Fault(
        "stage_refused",
        textOf(error),
        "fix the file, or remove it from stages.folder. See: hikvision-sync check",
      );
    });
    return `${registered.length} stages load: ${registered.map(({ stage }) => stage.name).join(", ")}`;
  });
  return registered;
}
