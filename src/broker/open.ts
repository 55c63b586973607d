import { SQLiteError } from "bun:sqlite";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { caBesidePublic } from "../config/ca-file.ts";
import { brokerOf, type LocalConfig } from "../config/load.ts";
import type { Secret } from "../config/secret.ts";
import { Exit, exits, textOf } from "../errors.ts";
import type { AmqpOptions } from "./amqp-broker.ts";
import type { Broker } from "./broker.ts";
import { openSqlite } from "./sqlite/sqlite-broker.ts";

/** Opens the configured broker. Exit 69 or 78 if the embedded queue cannot be used. Does not wait for RabbitMQ. */
export async function openBroker(config: LocalConfig, onReach?: AmqpOptions["onReach"]): Promise<Broker> {
  const broker = brokerOf(config);
  if (broker.kind === "amqp") {
    const { queueType } = config.broker;
    // The embedded queue starts without loading RabbitMQ's client.
    const { openAmqp } = await import("./amqp-broker.ts");
    return openAmqp({ ...amqpOptionsOf(broker), queueType, ...(onReach && { onReach }) });
  }
  return inFolder(config, () => openSqlite({ file: broker.file }));
}

/** How the configured RabbitMQ is connected to. Exit 78 if broker.ca_file cannot be read. */
export const amqpOptionsOf = ({ urls, caFile }: { urls: readonly Secret[]; caFile?: string | undefined }) => ({
  url: urls.map((url) => url.reveal()),
  ca: caFile === undefined ? undefined : caBesidePublic("broker", caFile),
});

/** Which broker it is, whoever connects to it. */
export function brokerIdOf(config: LocalConfig): string {
  const broker = brokerOf(config);
  if (broker.kind === "sqlite") return broker.file;
  const nodes = broker.urls.map((one) => new URL(one.reveal()));
  return nodes
    .map(({ host, pathname }) => host + pathname)
    .sort()
    .join();
}

/** A queue.db in the state folder while RabbitMQ is configured. Exit 78 if it is damaged: it may hold messages. */
export async function queueToMigrate(config: LocalConfig): Promise<string | undefined> {
  const file = join(config.state.folder, "queue.db");
  if (brokerOf(config).kind === "sqlite" || !existsSync(file)) return undefined;
  await inFolder(config, () => openSqlite({ file }))[Symbol.asyncDispose]();
  return file;
}

/** Whether a file system cannot do what SQLite asks of it: share memory between its users, or lock. */
export const isOfFileSystem = (error: unknown): boolean =>
  error instanceof SQLiteError &&
  /^SQLITE_(IOERR_(SHMMAP|SHMOPEN|SHMLOCK|LOCK|RDLOCK)|PROTOCOL|NOLFS)/.test(error.code ?? "");

export const useLocal = (folder: string) =>
  `the state folder ${folder} is on a file system without shared memory or locks, as NFS and shared folders are: use a local file system (state.folder)`;

/** Opens something in the state folder. Exit 69 without room or permission, 78 where its file system cannot do it. */
export function inFolder<T>({ state }: Pick<LocalConfig, "state">, open: () => T): T {
  try {
    return open();
  } catch (error) {
    if (error instanceof Exit) throw error;
    if (isOfFileSystem(error)) throw new Exit(exits.config, useLocal(state.folder), { cause: error });
    const why = `cannot be used (state.folder): ${textOf(error)}; check its disk space and permissions`;
    throw new Exit(exits.unavailable, `the state folder ${state.folder} ${why}`, { cause: error });
  }
}
