import { existsSync } from "node:fs";
import { chmod, rename, rm, writeFile } from "node:fs/promises";

/** Called directly: the wrappers in /usr/sbin change to the user rabbitmq. */
export const rabbitPrograms = "/usr/lib/rabbitmq/bin";

const policy = "/usr/sbin/policy-rc.d";
const kept = `${policy}.hikvision-sync`;

/** Debian's packages, and by what they are known to be there. */
const packages = {
  "rabbitmq-server": `${rabbitPrograms}/rabbitmq-server`,
  "python3-pika": "/usr/lib/python3/dist-packages/pika",
  curl: "/usr/bin/curl",
  iproute2: "/bin/ip",
};

/** As root, Debian's packages are installed where they are missing; RabbitMQ's own service is never started. */
export async function installRabbit(): Promise<void> {
  const missing = Object.entries(packages).flatMap(([name, file]) => (existsSync(file) ? [] : [name]));
  if (missing.length === 0) return;
  const install = ["install", "-y", "--no-install-recommends", ...missing];
  if (process.getuid?.() !== 0)
    throw new Error(
      `these tests need ${missing.join(" and ")}: run  sudo apt-get update && sudo apt-get ${install.join(" ")}`,
    );
  const before = existsSync(policy);
  if (before) await rename(policy, kept);
  try {
    // 101: a package's script may not start its service.
    await writeFile(policy, "#!/bin/sh\nexit 101\n");
    await chmod(policy, 0o755);
    await apt("update");
    await apt(...install);
  } finally {
    if (before) await rename(kept, policy);
    else await rm(policy, { force: true });
  }
}

/** Waits for whoever else installs; throws what it said where it fails. */
export async function apt(...args: string[]): Promise<void> {
  const child = Bun.spawn(["apt-get", "-o", "DPkg::Lock::Timeout=300", ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [out, errors, exit] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exit !== 0) throw new Error(`apt-get ${args.join(" ")} ended with ${exit}: ${(errors || out).slice(-500)}`);
}
