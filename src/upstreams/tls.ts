import type { X509Certificate } from "node:crypto";
import { net, nodeCrypto, tls } from "../util/access/late-modules.ts";
import { TransportError } from "./http.ts";

const connectTimeoutMs = 5000;

/** The certificate that the server shows, trusted or not; rejects with `TransportError` when it shows none. */
export function certificateOf(url: URL): Promise<X509Certificate> {
  const { promise, resolve, reject } = Promise.withResolvers<X509Certificate>();
  const host = url.hostname.replace(/^\[|\]$/g, "");
  const name = net().isIP(host) ? {} : { servername: host };
  const socket = tls().connect({ host, port: Number(url.port || 443), rejectUnauthorized: false, ...name });
  const { X509Certificate } = nodeCrypto();
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

/** The advice for a certificate that is not trusted. `setting` takes the certificate of its issuer. */
export async function trustAdvice(url: URL, setting: string, isSet: boolean): Promise<string> {
  const shown = await certificateOf(url).catch(() => undefined);
  const what = isSet
    ? `add the issuer's certificate to the file of ${setting}`
    : `set ${setting} to the issuer's certificate`;
  return `if SHA-256 ${shown?.fingerprint256 ?? "(none is shown now)"} is right, ${what}`;
}
