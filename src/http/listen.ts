import { readFileSync } from "node:fs";
import type { LocalConfig } from "../config/load.ts";
import { Exit, exits, textOf } from "../errors.ts";
import { nodeCrypto } from "../util/access/late-modules.ts";
import { Callers } from "./callers.ts";

/** Who asks, as far as the server knows; the part of Bun's server that is used. */
export interface Connection {
  requestIP?(request: Request): { address: string } | null;
  timeout?(request: Request, seconds: number): void;
  /** It came over the operators' socket. */
  isOperator?: true;
}

export type Fetch = (request: Request, connection: Connection) => Response | Promise<Response>;

export type Http = LocalConfig["http"];

/** Until a request is complete; then http/auth.ts lifts the limit, because an induction is silent for minutes. */
const idleTimeout = 30;
export const maxRequestBodySize = 1 << 20;

/** Answers on http.host and http.port, over TLS where there is a certificate; the origin to call it by. */
export function listen(http: Http, fetch: Fetch, say: (text: string) => void): { origin: string } & Disposable {
  const tls = certificateOf(http);
  try {
    const { host: hostname, port } = http;
    const answer = (request: Request, server: Bun.Server<undefined>) =>
      fetch(request, {
        requestIP: () => server.requestIP(request),
        timeout(_, seconds) {
          server.timeout(request, seconds);
          callers.mark(server.requestIP(request)?.port ?? 0, seconds === 0);
        },
      });
    const server = Bun.serve({ hostname, port, idleTimeout, maxRequestBodySize, ...(tls && { tls }), fetch: answer });
    const callers = new Callers({ port: server.port ?? port, say });
    const origin = `${tls ? "https" : "http"}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${server.port}`;
    const stop = () => {
      callers[Symbol.dispose]();
      void server.stop(true);
    };
    return { origin, [Symbol.dispose]: stop };
  } catch (error) {
    const taken = (error as { code?: unknown }).code === "EADDRINUSE";
    const why = taken ? "is taken by another process; stop it, or set http.port" : `is not available: ${textOf(error)}`;
    throw new Exit(exits.unavailable, `port ${http.port} of ${http.host} ${why}`);
  }
}

/** The certificate to answer with; undefined where none is configured. Exit 78 if it cannot be used. */
export function certificateOf({ certFile, keyFile }: Http): { cert: string; key: string } | undefined {
  if (certFile === undefined || keyFile === undefined) return undefined;
  const { X509Certificate, createPrivateKey } = nodeCrypto();
  const [cert, key] = [read("http.cert_file", certFile), read("http.key_file", keyFile)];
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return { cert, key };
  } catch {
    // n.b. The error may quote what it read.
    throw new Exit(
      exits.config,
      "http.cert_file and http.key_file must be PEM: a certificate, and its key unencrypted",
    );
  }
  throw new Exit(exits.config, "http.key_file is not the key of the certificate in http.cert_file");
}

function read(name: string, file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new Exit(exits.config, `${name} ${file} cannot be read: ${textOf(error)}`);
  }
}
