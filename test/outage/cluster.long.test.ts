import { afterAll, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { doctor } from "../doctor/findings.ts";
import { binary, permission, type RabbitNode, startRabbit } from "../support/rabbitmq.ts";
import { rabbit4For, startCluster } from "../support/rabbitmq4.ts";
import { type Site, startSite } from "../support/site.ts";
import { until } from "../support/until.ts";

const installation = await rabbit4For("the cluster of three");
const cluster = installation && (await startCluster(installation));
afterAll(() => cluster?.[Symbol.asyncDispose](), 60_000);

/** Enough work to outlast the restarts of all nodes, also on a busy machine. */
const people = 600;
const queues = ["hikvision_queue", "hikvision_create_person", "hikvision_update_kib", "hikvision_assign_privilege"];
/** Work may stand for so long after the death of a node. */
const maxStandMs = 15_000;

/** Sees how long nothing is written to HikCentral while work is left. */
function watchProgress(site: Site) {
  let [longestMs, lastAt, last] = [0, performance.now(), -1];
  const look = () => {
    const now = performance.now();
    if (site.hikcentral.writes.length !== last) [last, lastAt] = [site.hikcentral.writes.length, now];
    longestMs = Math.max(longestMs, now - lastAt);
  };
  const timer = setInterval(look, 50);
  return {
    longestMs: () => longestMs,
    goesOn: async () => {
      const before = site.hikcentral.writes.length;
      await until(() => site.hikcentral.writes.length > before + 5, { timeoutMs: 60_000, what: "work to go on" });
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

/** What an operator waits for before the next node is stopped: rabbitmq-upgrade await_online_quorum_plus_one. */
async function isWhole(nodes: readonly RabbitNode[]): Promise<void> {
  for (const node of nodes)
    await until(
      async () => (await node.evaluate("rabbit_upgrade_preparation:await_online_quorum_plus_one(1000)")) === "true",
      {
        timeoutMs: 60_000,
        everyMs: 200,
        what: "every queue to have a majority without any one node",
      },
    );
}

const holdsConnection = async (node: RabbitNode) =>
  (await node.evaluate("length(rabbit_networking:local_connections())")) !== "0";

const leaderOf = async (node: RabbitNode, queue: string) => {
  const name = `rabbit_misc:r(${binary("/")}, queue, ${binary(queue)})`;
  const [, leader] =
    /'?(node-\d)/.exec(
      await node.evaluate(`{ok, Q} = rabbit_amqqueue:lookup(${name}), element(2, amqqueue:get_pid(Q))`),
    ) ?? [];
  return Number(leader?.slice(-1)) - 1;
};

async function stopPolitely({ pid }: RabbitNode): Promise<void> {
  process.kill(pid, "SIGTERM");
  await until(() => !existsSync(`/proc/${pid}`), { timeoutMs: 60_000, what: "a node to stop" });
}

const onCluster = test.skipIf(cluster === undefined);

onCluster(
  `${people} people while each node in turn is killed and all are restarted: nobody lost, nobody doubled, work never stands for 15 s`,
  async () => {
    const { nodes } = cluster as NonNullable<typeof cluster>;
    const env = { BROKER_QUEUE_TYPE: "quorum", HIKCENTRAL_CONCURRENCY: "4" };
    const faults = { hikcentral: [{ kind: "slow", minMs: 600, maxMs: 1_000 }] } as const;
    const broker = nodes.map(({ url }) => url).join(",");
    await using site = await startSite({ as: "binary", people, broker, env, faults });
    const probe = async (url: string) =>
      (await doctor(site, { BROKER_URL: url, HTTP_SOCKET: `${site.folder}/not-there` })).findings.find(
        ({ probe }) => probe === "cluster",
      );
    expect(await probe(broker)).toMatchObject({ state: "ok", text: "3 nodes of one cluster" });
    await using stranger = await startRabbit();
    expect(await probe(`${broker},${stranger.url}`)).toMatchObject({ state: "failed", code: "broker_no_cluster" });
    await stranger.stop();
    const run = await site.begin();
    using progress = watchProgress(site);
    await progress.goesOn();
    const left = new Set(nodes);
    const killed = {
      "the one connected to": async () => (await Promise.all(nodes.map(holdsConnection))).indexOf(true),
      // Those of the first one have moved to the other two.
      "a leader": async () => {
        const leaders = await Promise.all(queues.map((queue) => leaderOf(nodes[0] as RabbitNode, queue)));
        return leaders.find((leader) => left.has(nodes[leader] as RabbitNode)) ?? -1;
      },
      "a follower": async () => nodes.findIndex((node) => left.has(node)),
    };
    for (const [what, which] of Object.entries(killed)) {
      await isWhole(nodes);
      const at = await which();
      const node = nodes[at] as RabbitNode;
      left.delete(node);
      await node.kill();
      await progress.goesOn();
      await node.restart();
      await progress.goesOn();
      console.log(
        `STEP killed node-${at + 1}, ${what}: so far work stood for ${Math.round(progress.longestMs())} ms at most`,
      );
    }
    for (const node of nodes) {
      await isWhole(nodes);
      await stopPolitely(node);
      await progress.goesOn();
      await node.restart();
    }
    await progress.goesOn();
    expect(site.atTheGate().length).toBeLessThan(people);
    console.log(
      `STEP all nodes were restarted: work stood for ${Math.round(progress.longestMs())} ms at most, ${site.atTheGate().length} through`,
    );
    expect(progress.longestMs()).toBeLessThan(maxStandMs);
    site.hikcentral.faults.set();
    expect(await run.through()).toMatchObject({ employees: people, through: people });
    const { persons } = site.hikcentral.state();
    expect(persons).toHaveLength(people);
    expect(new Set(persons.map(({ personCode }) => personCode)).size).toBe(people);
    expect(new Set(persons.map(({ kib }) => kib)).size).toBe(people);
    expect(site.atTheGate()).toHaveLength(people);
    expect((await site.get("/dead")).body).toMatchObject({ total: 0 });
    expect(await site.left()).toBe(0);
  },
  480_000,
);

onCluster(
  "classic queues whose node is gone are named within 15 s, everything else answers within 2 s, and they go on with the node",
  async () => {
    const { nodes } = cluster as NonNullable<typeof cluster>;
    const [first, second] = nodes as [RabbitNode, RabbitNode];
    await isWhole(nodes);
    await second.evaluate(
      `ok = rabbit_vhost:add(${binary("classic")}, ${binary("test")}), ${permission("guest", "classic")}`,
    );
    // RabbitMQ puts a new classic queue on the node that it is declared at.
    const broker = nodes.map(({ url }) => `${url}/classic`).join(",");
    await using site = await startSite({ as: "binary", people: 3, broker });
    await (await site.begin({ from: "2026-01-01", to: "2026-01-01" })).through();
    await first.kill();
    const killedAt = performance.now();
    const named = async () => {
      const { unreachable } = (await site.get("/readyz")).body as { unreachable: { queue: string }[] };
      return unreachable.some(({ queue }) => queue === "hikvision_create_person");
    };
    await until(named, { what: "the queues to be named" });
    expect(performance.now() - killedAt).toBeLessThan(maxStandMs);
    for (const path of ["/status", "/readyz", "/dead", "/metrics", "/runs"]) {
      const askedAt = performance.now();
      await site.fetch(path);
      expect({ path, isSoon: performance.now() - askedAt < 2_000 }).toEqual({ path, isSoon: true });
    }
    expect((await site.cli("status")).out).toContain("hikvision_create_person cannot be reached");
    // Another node may reach what this one does not.
    const tried = new Set<RabbitNode>();
    const triesAll = async () => {
      for (const node of nodes) if (node !== first && (await holdsConnection(node))) tried.add(node);
      return tried.size === nodes.length - 1;
    };
    await until(triesAll, { everyMs: 200, what: "the other nodes to be tried" });
    const { faults } = await doctor(site);
    expect(faults.find(({ code }) => code === "unreachable_queues")?.text).toContain("hikvision_create_person");
    await first.restart();
    await until(async () => (await site.readyz()).ready, { timeoutMs: 60_000, what: "the daemon to be ready again" });
    await site.induct();
    expect(site.atTheGate()).toHaveLength(3);
  },
  240_000,
);
