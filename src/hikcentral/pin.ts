import { X509Certificate } from "node:crypto";
import { connect } from "node:tls";
import { type TlsOptions, TransportError } from "../upstream-fetch.ts";

const connectTimeoutMs = 5000;

/** The certificate that the server shows, whoever signed it; rejects with `TransportError` when it shows none. */
export function certificateOf(url: URL): Promise<X509Certificate> {
  const { promise, resolve, reject } = Promise.withResolvers<X509Certificate>();
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const socket = connect({ host, port: Number(url.port || 443), rejectUnauthorized: false });
  socket.once("secureConnect", () => resolve(new X509Certificate(socket.getPeerCertificate().raw)));
  const fail = (reason: string) => reject(new TransportError("unconnected", reason));
  socket.once("error", (error: NodeJS.ErrnoException) => fail(error.code ?? "TLS"));
  const timer = setTimeout(() => fail("ETIMEDOUT"), connectTimeoutMs);
  return promise.finally(() => {
    clearTimeout(timer);
    socket.destroy();
  });
}

/** 64 hexadecimal digits in lower case, as the configuration keeps them. */
export const plainSha256 = ({ fingerprint256 }: X509Certificate) => fingerprint256.replaceAll(":", "").toLowerCase();

/** A name that the certificate is good for: the address need not be one of its names. */
function nameOf({ subjectAltName = "", subject }: X509Certificate): string | undefined {
  const [, dns] = /(?:^|, )DNS:([^,]+)/.exec(subjectAltName) ?? [];
  const [, common] = /^CN=(.+)$/m.exec(subject) ?? [];
  return (dns ?? common)?.replace("*", "any");
}

/**
 * The TLS options that trust the one certificate with this SHA-256 and no other. n.b. Looked up once and then used as
 * its own authority: a check at each connection (checkServerIdentity) ends keep-alive, rejectUnauthorized: false skips it.
 */
export function createPin(url: URL, sha256: string): () => Promise<TlsOptions> {
  let pinned: Promise<TlsOptions> | undefined;
  const look = async (): Promise<TlsOptions> => {
    const certificate = await certificateOf(url);
    if (plainSha256(certificate) !== sha256) throw new TransportError("certificate", "another fingerprint");
    const serverName = nameOf(certificate);
    return { ca: certificate.toString(), allowPartialTrustChain: true, ...(serverName && { serverName }) };
  };
  return () => {
    pinned ??= look().catch((thrown) => {
      pinned = undefined;
      throw thrown;
    });
    return pinned;
  };
}
