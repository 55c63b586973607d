import { connect, createServer, type Socket } from "node:net";

/**
 * A way to RabbitMQ that can fall silent, as a network does, or end on this side alone; every byte takes `delayMs` for
 * it, in either direction, and so many bytes a second pass towards RabbitMQ.
 */
export async function wayToRabbit(url: string, { delayMs = 0, bytesPerSecond = Number.POSITIVE_INFINITY } = {}) {
  const sockets = new Set<Socket>();
  const near = new Set<Socket>();
  const underway = new Set<ReturnType<typeof setTimeout>>();
  let silent = false;
  const { hostname, port } = new URL(url);
  const server = createServer((client) => {
    const rabbit = connect(Number(port), hostname);
    near.add(client);
    for (const [from, to] of [
      [client, rabbit],
      [rabbit, client],
    ] as const) {
      sockets.add(from);
      const pass = (bytes: Uint8Array | string) => silent || to.destroyed || to.write(bytes);
      const later = (ms: number, what: () => unknown) => {
        const timer = setTimeout(() => {
          underway.delete(timer);
          what();
        }, ms);
        underway.add(timer);
      };
      from.on("data", (bytes) => {
        if (from === client && Number.isFinite(bytesPerSecond)) {
          from.pause();
          later((bytes.length / bytesPerSecond) * 1_000, () => from.resume());
        }
        if (delayMs === 0) pass(bytes);
        else later(delayMs, () => pass(bytes));
      });
      from.on("error", () => {}).on("close", () => near.has(client) && to.destroy());
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const through = new URL(url);
  through.port = String((server.address() as { port: number }).port);
  return {
    url: through.href,
    fallSilent: () => {
      silent = true;
    },
    /** Only ever slower: a byte does not overtake another. */
    slowDown(ms: number) {
      delayMs = ms;
    },
    /** The daemon sees its connection end, and RabbitMQ does not. */
    cutHalf() {
      for (const socket of near) {
        near.delete(socket);
        socket.destroy();
      }
    },
    [Symbol.dispose]() {
      for (const timer of underway) clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}
