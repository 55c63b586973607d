import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { epmdCommand, freePort, type Installation, type RabbitNode, startRabbit } from "./rabbitmq.ts";
import { until } from "./until.ts";

const { XDG_CACHE_HOME: cache = join(homedir(), ".cache") } = process.env;
/** Survives the tests: Debian 13's packages are unpacked once (a minute). */
const root = join(cache, "hikvision-sync/rabbitmq-4");

/** Mounts a node's folder on /data, for the node alone, and becomes the command in there. */
const enter = `mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && mount --bind "$2" "$1/data" && \
  cd / && root=$1 && shift 2 && exec chroot "$root" "$@"`;

async function install(): Promise<Installation | string> {
  if (process.getuid?.() !== 0) return "only root can unpack and enter it";
  if (!existsSync(root)) {
    mkdirSync(join(root, ".."), { recursive: true });
    const script = join(import.meta.dir, "rabbitmq4-install.sh");
    const child = Bun.spawn([script, root], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
    const [errors, exit] = await Promise.all([child.stderr.text(), child.exited]);
    if (exit !== 0) return `Debian 13's packages cannot be had: ${errors.trim().split("\n").at(-1)}`;
  }
  const programs = "/usr/lib/rabbitmq/lib";
  const [server = ""] = readdirSync(join(root, programs));
  return {
    programs: join(programs, server, "sbin"),
    pathInside: () => "/data",
    command: (folder, command) => ["unshare", "--mount", "bash", "-c", enter, "-", root, folder, ...command],
  };
}

/** Debian 13's RabbitMQ 4; where it cannot be had this says so, and what is skipped for it. */
export async function rabbit4For(what: string): Promise<Installation | undefined> {
  const installed = await install();
  if (typeof installed !== "string") return installed;
  console.log(`SKIPPED ${what} on RabbitMQ 4: ${installed}`);
  return undefined;
}

export interface Cluster extends AsyncDisposable {
  readonly nodes: readonly RabbitNode[];
}

/** Nodes that know each other, each as `startRabbit` gives one; resolves once all of them are up. */
export async function startCluster(
  installation: Installation,
  { size = 3, whenSplit = "pause_minority" } = {},
): Promise<Cluster> {
  const names = Array.from({ length: size }, (_, at) => `node-${at + 1}`);
  const epmdPort = await freePort();
  await using opened = new AsyncDisposableStack();
  const epmd = Bun.spawn(epmdCommand(epmdPort), { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  opened.defer(async () => {
    epmd.kill("SIGKILL");
    await epmd.exited;
  });
  const settings = [
    `cluster_partition_handling = ${whenSplit}`,
    "net_ticktime = 15",
    "cluster_formation.peer_discovery_backend = classic_config",
    ...names.map((name, at) => `cluster_formation.classic_config.nodes.${at + 1} = ${name}@127.0.0.1`),
  ];
  const starting = names.map(async (name) => opened.use(await startRabbit({ installation, name, epmdPort, settings })));
  await Promise.allSettled(starting);
  const nodes = await Promise.all(starting);
  // Each of them hears a moment later that the others run.
  const isWhole = `length(rabbit_nodes:list_running()) =:= ${size}`;
  const areWhole = async () =>
    (await Promise.all(nodes.map((node) => node.evaluate(isWhole)))).every((it) => it === "true");
  await until(areWhole, { timeoutMs: 30_000, everyMs: 200, what: "the nodes to find each other" });
  const all = opened.move();
  return { nodes, [Symbol.asyncDispose]: () => all.disposeAsync() };
}
