import type { X509Certificate } from "node:crypto";
import { type TlsOptions, TransportError } from "../upstreams/http.ts";
import { certificateOf, plainSha256 } from "../upstreams/tls.ts";

/** A name that the certificate is valid for: the address need not be one of its names. */
function certificateName({ subjectAltName = "", subject }: X509Certificate): string | undefined {
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
    const serverName = certificateName(certificate);
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
