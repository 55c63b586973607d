import { afterAll } from "bun:test";
import { openSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import amqp from "amqplib";
import { installRabbit, rabbitPrograms } from "./rabbitmq-install.ts";
import { until } from "./until.ts";

/** A place on a RabbitMQ that the tests started themselves. */
export interface Rabbit {
  /** amqp://guest:guest@127.0.0.1:PORT/VHOST */
  readonly url: string;
  readonly vhost: string;
  /** Closes every connection to this place from RabbitMQ's side. */
  cut(): Promise<string>;
  /** Evaluates an Erlang expression on the node and returns its value as text within milliseconds. */
  evaluate(expression: string): Promise<string>;
}

export interface RabbitNode extends Rabbit, AsyncDisposable {
  /** What another process needs in its environment for `sharedRabbit` to use this node. */
  readonly env: Readonly<Record<string, string>>;
  /** Of the node itself: it can be frozen with SIGSTOP and SIGCONT. */
  readonly pid: number;
  /** kill -9; what was confirmed stays on disk. */
  kill(): Promise<void>;
  /** Starts it again, on the same ports. */
  restart(): Promise<void>;
  /** SIGTERM, and nothing of it stays behind: no process, no file. */
  stop(): Promise<void>;
}

/** Where the programs of a RabbitMQ are. A file of theirs may have another path for them than for us. */
export interface Installation {
  readonly programs: string;
  readonly pathInside: (folder: string) => string;
  /** What runs a command of theirs on this machine. */
  readonly command: (folder: string, command: readonly string[]) => string[];
}

const ofThisMachine: Installation = {
  programs: rabbitPrograms,
  pathInside: (folder) => folder,
  command: (_, command) => [...command],
};

export interface NodeOptions {
  installation?: Installation;
  name?: string;
  /** The same for all nodes of a cluster. */
  epmdPort?: number;
  /** Lines of its rabbitmq.conf. */
  settings?: readonly string[];
  /** With the management API, 10000 ports above. */
  isManaged?: boolean;
}

/** A private node in a temporary folder, on loopback only; resolves when an AMQP client gets through (7–10 s). */
export async function startRabbit(options: NodeOptions = {}): Promise<RabbitNode> {
  const { installation = ofThisMachine, name = "hikvision-sync-test", isManaged = false } = options;
  await installRabbit();
  const folder = await mkdtemp(join(tmpdir(), "hikvision-sync-rabbit-"));
  const [port, distPort] = [await freePort(isManaged ? managedPorts : undefined), await freePort()];
  const epmdPort = options.epmdPort ?? (await freePort());
  const url = `amqp://guest:guest@127.0.0.1:${port}`;
  const inside = installation.pathInside(folder);
  const env = {
    PATH: process.env.PATH ?? "",
    LANG: "C.UTF-8",
    HOME: inside,
    // With an address for a name, nothing asks what this machine is called.
    RABBITMQ_NODENAME: `${name}@127.0.0.1`,
    RABBITMQ_USE_LONGNAME: "true",
    RABBITMQ_MNESIA_BASE: `${inside}/mnesia`,
    RABBITMQ_LOG_BASE: `${inside}/log`,
    RABBITMQ_SCHEMA_DIR: `${inside}/schema`,
    RABBITMQ_GENERATED_CONFIG_DIR: `${inside}/config`,
    RABBITMQ_CONFIG_FILE: `${inside}/rabbitmq.conf`,
    RABBITMQ_CONFIG_FILES: `${inside}/conf.d/*.conf`,
    RABBITMQ_ADVANCED_CONFIG_FILE: `${inside}/advanced.config`,
    RABBITMQ_CONF_ENV_FILE: `${inside}/rabbitmq-env.conf`,
    RABBITMQ_ENABLED_PLUGINS_FILE: `${inside}/enabled_plugins`,
    RABBITMQ_PID_FILE: `${inside}/pid`,
    RABBITMQ_NODE_IP_ADDRESS: "127.0.0.1",
    RABBITMQ_NODE_PORT: String(port),
    RABBITMQ_DIST_PORT: String(distPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: "-kernel inet_dist_use_interface {127,0,0,1}",
    ERL_EPMD_PORT: String(epmdPort),
    ERL_EPMD_ADDRESS: "127.0.0.1",
    // Makes the start script become the node instead of its parent, so that a signal reaches the node.
    RUNNING_UNDER_SYSTEMD: "true",
  };
  const management = ["management.tcp.ip = 127.0.0.1", `management.tcp.port = ${port + 10_000}`];
  const settings = ["disk_free_limit.absolute = 50MB", ...(isManaged ? management : []), ...(options.settings ?? [])];
  await writeFile(join(folder, "rabbitmq.conf"), `${settings.join("\n")}\n`);
  await writeFile(join(folder, "rabbitmq-env.conf"), "");
  await writeFile(join(folder, "enabled_plugins"), isManaged ? "[rabbitmq_management].\n" : "[].\n");
  await writeFile(join(folder, ".erlang.cookie"), cookie, { mode: 0o400 });
  await writeFile(join(folder, "node.json"), JSON.stringify({ distPort }));
  const output = openSync(join(folder, "output"), "a", 0o600);

  const spawn = (command: string[]) =>
    Bun.spawn(command, { env, cwd: folder, stdin: "ignore", stdout: output, stderr: output });
  // Started here, and not by the node as a daemon: then it is ours to end.
  const epmd = options.epmdPort === undefined ? spawn(epmdCommand(epmdPort)) : undefined;
  const spawnNode = () => spawn(installation.command(folder, [`${installation.programs}/rabbitmq-server`]));
  let node = spawnNode();
  const killAll = () => {
    node.kill("SIGKILL");
    epmd?.kill("SIGKILL");
  };
  process.on("exit", killAll);

  const answers = async () => {
    if (node.exitCode !== null)
      throw new Error(`RabbitMQ ended at start: ${await Bun.file(join(folder, "output")).text()}`);
    await (await amqp.connect(url, { timeout: 5_000 })).close();
    return true;
  };
  const up = () => until(answers, { timeoutMs: 90_000, everyMs: 100, what: "RabbitMQ to start" });

  let stopping: Promise<void> | undefined;
  const stop = async () => {
    node.kill("SIGTERM");
    const patience = setTimeout(killAll, 20_000);
    await node.exited;
    clearTimeout(patience);
    killAll();
    await epmd?.exited;
    process.off("exit", killAll);
    await rm(folder, { recursive: true, force: true });
  };

  await mkdir(join(folder, "log"));
  try {
    await up();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url,
    env: { HIKVISION_SYNC_TEST_AMQP: url, HIKVISION_SYNC_TEST_NODE: folder },
    ...handles("/", evaluatorOf(distPort)),
    get pid() {
      return node.pid;
    },
    kill: async () => {
      node.kill("SIGKILL");
      await node.exited;
    },
    restart: async () => {
      node = spawnNode();
      await up();
    },
    stop: () => (stopping ??= stop()),
    [Symbol.asyncDispose]: () => (stopping ??= stop()),
  };
}

const handles = (vhost: string, evaluate: Rabbit["evaluate"]): Pick<Rabbit, "vhost" | "evaluate" | "cut"> => ({
  vhost,
  evaluate,
  cut: () =>
    evaluate(
      `[rabbit_networking:close_connection(Pid, "cut by a test") || ` +
        `[{pid, Pid}, {vhost, ${binary(vhost)}}] <- rabbit_networking:connection_info_all([pid, vhost])]`,
    ),
});

/** A text as Erlang writes a binary, whatever is in it. */
export const binary = (text: string): string => `<<${[...Buffer.from(text)].join(",")}>>`;

/** So that 10000 ports above is no port of the ephemeral range. */
const managedPorts: [number, number] = [20_000, 22_500];

/** Nodes on loopback that live for a test. */
const cookie = "hikvision-sync-test";

export const epmdCommand = (port: number) => ["epmd", "-port", String(port), "-address", "127.0.0.1"];

const evaluatorOf =
  (distPort: number): Rabbit["evaluate"] =>
  async (expression) => {
    const command = ["erl_call", "-address", `127.0.0.1:${distPort}`, "-c", cookie, "-R", "-e"];
    const child = Bun.spawn(command, { stdin: Buffer.from(`${expression}.\n`), stdout: "pipe", stderr: "pipe" });
    const [out, errors] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
    const [, value] = /^\{ok, (.*)\}\s*$/s.exec(out) ?? [];
    if (value === undefined) throw new Error(`RabbitMQ cannot evaluate ${expression}: ${errors || out}`);
    return value;
  };

let ownNode: Promise<RabbitNode> | undefined;
/** To be called after the tests of a file that used `placeOnRabbit`. */
export const stopOwnNode = async () => {
  await (await ownNode)?.stop();
  ownNode = undefined;
};

/** The node that the environment names, or else one that `stopOwnNode` ends. */
async function testsNode(): Promise<Pick<Rabbit, "url" | "evaluate">> {
  const { HIKVISION_SYNC_TEST_AMQP: url, HIKVISION_SYNC_TEST_NODE: folder } = process.env;
  if (url && folder) return { url, evaluate: evaluatorOf((await Bun.file(join(folder, "node.json")).json()).distPort) };
  ownNode ??= startRabbit();
  return await ownNode;
}

/** A virtual host of its own, where queues may have their real names; on the node of the tests, or on this one. */
export async function placeOnRabbit(node?: RabbitNode): Promise<Rabbit & AsyncDisposable> {
  const { url, evaluate } = node ?? (await testsNode());
  const vhost = `test-${crypto.randomUUID()}`;
  await evaluate(`ok = rabbit_vhost:add(${binary(vhost)}, ${binary("test")}), ${permission("guest", vhost)}`);
  return {
    url: `${url}/${vhost}`,
    ...handles(vhost, evaluate),
    async [Symbol.asyncDispose]() {
      // With its node all of it is gone.
      if (node || process.env.HIKVISION_SYNC_TEST_AMQP)
        await evaluate(`rabbit_vhost:delete(${binary(vhost)}, ${binary("test")})`);
    },
  };
}

/** A place for all tests of the calling file. */
export async function sharedRabbit(): Promise<Rabbit> {
  const place = await placeOnRabbit();
  afterAll(async () => {
    await place[Symbol.asyncDispose]();
    await stopOwnNode();
  }, 40_000);
  return place;
}

/** The expression that lets a user do everything in a virtual host. */
export const permission = (user: string, vhost: string): string =>
  `rabbit_auth_backend_internal:set_permissions(${[user, vhost, ".*", ".*", ".*", "test"].map(binary).join(", ")})`;

/**
 * A port where nobody listens, nor will: one of the ephemeral range is soon another test's, and a client that polls it can
 * connect to itself.
 */
export async function freePort([first, last] = [20_000, 32_000]): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * (last - first));
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen({ port, host: "127.0.0.1", exclusive: true }, () => resolve(true));
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
