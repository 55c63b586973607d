import { generateKeyPairSync, sign, X509Certificate } from "node:crypto";

const der = (tag: number, ...parts: Uint8Array[]) => {
  const body = Buffer.concat(parts);
  const { length: size } = body;
  const length = size < 128 ? [size] : size < 256 ? [0x81, size] : [0x82, size >> 8, size & 255];
  return Buffer.concat([Buffer.from([tag, ...length]), body]);
};
const sequence = (...parts: Uint8Array[]) => der(0x30, ...parts);
const hex = (text: string) => Buffer.from(text, "hex");
const ecdsaWithSha256 = sequence(hex("06082a8648ce3d040302"));

interface Wanted {
  /** The name that it is for, instead of 127.0.0.1; "" is none at all. */
  host?: string;
  /** YYMMDD */
  from?: string;
  until?: string;
  /** It may prove who a client is, and not a server. */
  forClients?: boolean;
}

/** A self-signed certificate; made here because openssl may be missing. */
export function selfSigned({ host, from = "250101", until = "491231", forClients = false }: Wanted = {}) {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const common = host ?? "hikcentral";
  const name =
    common === "" ? sequence() : sequence(der(0x31, sequence(hex("0603550403"), der(0x0c, Buffer.from(common)))));
  const alternative = host ? der(0x82, Buffer.from(host)) : der(0x87, Buffer.from([127, 0, 0, 1]));
  const names = host === "" ? [] : [sequence(hex("0603551d11"), der(0x04, sequence(alternative)))];
  const usage = forClients ? [sequence(hex("0603551d25"), der(0x04, sequence(hex("06082b06010505070302"))))] : [];
  const extensions = [...names, ...usage];
  const body = sequence(
    der(0xa0, hex("020102")),
    der(0x02, Buffer.from([Date.now() & 127])),
    ecdsaWithSha256,
    name,
    sequence(der(0x17, Buffer.from(`${from}000000Z`)), der(0x17, Buffer.from(`${until}235959Z`))),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    ...(extensions.length > 0 ? [der(0xa3, sequence(...extensions))] : []),
  );
  const signature = der(0x03, Buffer.from([0]), sign("sha256", body, privateKey));
  const certificate = new X509Certificate(sequence(body, ecdsaWithSha256, signature));
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: certificate.toString(),
    sha256: certificate.fingerprint256,
  };
}
