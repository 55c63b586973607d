import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

/** HTTPS on 127.0.0.1 before a server that speaks HTTP; counts the handshakes. */
export async function startTlsFront(origin: string, { key, cert }: { key: string; cert: string }) {
  let handshakes = 0;
  const server = createServer({ key, cert }, async (request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const body = await buffer(request);
    const { host: _, connection: __, ...rest } = headers;
    const own = new Headers(Object.entries(rest).map(([name, value]) => [name, String(value)]));
    const answer = await fetch(`${origin}${url}`, { method, headers: own, ...(body.length > 0 && { body }) });
    const date = answer.headers.get("date");
    response.writeHead(answer.status, date === null ? {} : { date });
    response.end(await answer.bytes());
  });
  server.on("secureConnection", () => handshakes++);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    handshakes: () => handshakes,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((done) => server.close(done));
    },
  };
}
