import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { until } from "./until.ts";

/** A small file system of its own that a daemon can keep its state on, and that can be full. */
export interface Disk extends AsyncDisposable {
  /** Where it is, for a process that was entered into it. */
  folder: string;
  /** What a command must begin with to see it. */
  enter: readonly string[];
  fill(): Promise<void>;
  free(): Promise<void>;
}

/** Undefined where this machine lets nobody mount: say SKIPPED then. */
export async function smallDisk(): Promise<Disk | undefined> {
  const folder = mkdtempSync(join(tmpdir(), "hikvision-sync-disk-"));
  const script = `mount -t tmpfs -o size=48m,mode=700 tmpfs ${folder} && echo mounted && exec sleep 3600`;
  const holder = Bun.spawn(["unshare", "--map-root-user", "--mount", "sh", "-c", script], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "ignore",
  });
  const first = await Promise.race([holder.stdout.getReader().read(), Bun.sleep(30_000)]);
  if (!first?.value) {
    holder.kill("SIGKILL");
    return undefined;
  }
  const filler = `/proc/${holder.pid}/root${folder}/filler`;
  return {
    folder,
    enter: ["nsenter", "--user", "--mount", "--preserve-credentials", "--target", String(holder.pid)],
    async fill() {
      const dd = Bun.spawn(["dd", "if=/dev/zero", `of=${filler}`, "bs=64k"], { stdout: "ignore", stderr: "ignore" });
      await dd.exited;
    },
    async free() {
      await until(() =>
        Bun.file(filler)
          .delete()
          .then(() => true),
      );
    },
    async [Symbol.asyncDispose]() {
      holder.kill("SIGKILL");
      await holder.exited;
      rmSync(folder, { recursive: true });
    },
  };
}
