import { mkdtempSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { type Fetch, TransportError } from "../upstreams/http.ts";
import { plainSha256 } from "../upstreams/tls.ts";
import { net, nodeCrypto, tls } from "../util/access/late-modules.ts";

/** Less than HikCentral's probe may take. */
const connectTimeoutMs = 4_000;

/**
 * A way to the one server that shows the certificate with this SHA-256, whatever the certificate's name, dates or usage
 * are. n.b. Bun's fetch cannot do this: it refuses an expired certificate in whatever way that is trusted, and without
 * `rejectUnauthorized` it checks nothing. So it talks to a socket file, behind which each connection is made and compared
 * here, before a byte of a request is sent on. Fetch keeps and uses these connections as any others.
 */
export class CertificatePin implements Disposable {
  /** Tells our own answer, that there is no connection, from HikCentral's answers. */
  readonly #header = `x-${crypto.randomUUID()}`;
  readonly #sockets = new Set<Socket>();
  readonly #folder = mkdtempSync(join(tmpdir(), "hikvision-sync-pin-"));
  readonly #path = join(this.#folder, "socket");
  readonly #server = net().createServer((local) => this.#join(local));
  readonly #listening: Promise<void>;

  constructor(
    readonly url: URL,
    readonly sha256: string,
  ) {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.#listening = promise;
    promise.catch(() => {});
    this.#server.once("error", reject).listen(this.#path, resolve);
    this.#server.unref();
  }

  /** As `fetch`, over the pinned connections. Rejects with `TransportError` where there is none. */
  through(fetch: Fetch): Fetch {
    return async (address, { ...init }) => {
      await this.#listening;
      Object.assign(init, { unix: this.#path, tls: undefined });
      const response = await fetch(address.replace(/^https:/, "http:"), init);
      const failure = response.headers.get(this.#header);
      if (failure === null) return response;
      await response.body?.cancel();
      throw new TransportError(failure === otherCertificate ? "certificate" : "unconnected", failure);
    };
  }

  [Symbol.dispose](): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #join(local: Socket): void {
    const host = this.url.hostname.replace(/^\[|\]$/g, "");
    const name = net().isIP(host) ? {} : { servername: host };
    const remote = tls().connect({ host, port: Number(this.url.port || 443), rejectUnauthorized: false, ...name });
    const timer = setTimeout(() => refuse("ETIMEDOUT"), connectTimeoutMs);
    let isJoined = false;
    const refuse = (why: string) => {
      clearTimeout(timer);
      remote.destroy();
      if (local.destroyed) return;
      local.end(
        `HTTP/1.1 502 Bad Gateway\r\n${this.#header}: ${why}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n`,
      );
      // Or the request that is still on its way would reset the connection before our answer is read.
      local.resume();
    };
    remote.once("secureConnect", () => {
      if (!this.#isPinned(remote)) return refuse(otherCertificate);
      clearTimeout(timer);
      isJoined = true;
      local.pipe(remote);
      remote.pipe(local);
    });
    remote.on("error", (error: NodeJS.ErrnoException) => (isJoined ? local.destroy() : refuse(error.code ?? "TLS")));
    local.on("error", () => remote.destroy());
    for (const [socket, other] of [
      [local, remote],
      [remote, local],
    ] as const) {
      this.#sockets.add(socket);
      socket.once("close", () => {
        this.#sockets.delete(socket);
        if (isJoined || socket === local) other.destroy();
      });
    }
  }

  #isPinned(remote: TLSSocket): boolean {
    const { raw } = remote.getPeerCertificate();
    return raw !== undefined && plainSha256(new (nodeCrypto().X509Certificate)(raw)) === this.sha256;
  }
}

const otherCertificate = "another fingerprint";

/** Of the certificates in a PEM file, as `plainSha256` writes them. */
export function fingerprintsIn(pem: string): Set<string> {
  const certificates = pem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return new Set(
    certificates.flatMap((text) => {
      try {
        return [plainSha256(new (nodeCrypto().X509Certificate)(text))];
      } catch {
        return [];
      }
    }),
  );
}
