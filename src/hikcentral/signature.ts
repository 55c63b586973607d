import type { Secret } from "../config/secret.ts";

export interface Signable {
  method: string;
  /** As sent: the gateway signs the bytes that it receives. The case of the names does not matter. */
  headers: Readonly<Record<string, string>>;
  /** From /artemis on, with "?" and the sorted parameters if there are any. */
  path: string;
  /** Names in X-Ca-Signature-Headers. */
  signedHeaders?: readonly string[];
  secret: Secret;
}

/** X-Ca-Signature. Who reads a signature can replay it, so neither it nor the signed text is ever logged. */
export function sign({ method, headers, path, signedHeaders = [], secret }: Signable): string {
  const values = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value.trim()]));
  const plain = ["accept", "content-md5", "content-type", "date"].map((name) => values.get(name));
  const named = signedHeaders.map((name) => name.toLowerCase()).sort();
  const text = [
    method.toUpperCase(),
    ...plain.filter((value) => value !== undefined),
    ...named.map((name) => `${name}:${values.get(name) ?? ""}`),
    path,
  ].join("\n");
  return new Bun.CryptoHasher("sha256", secret.reveal()).update(text).digest("base64");
}

export interface SignatureOptions {
  /** `minimal` is the original's and constant per path; `full` also signs key, nonce and time, as the SDK does. */
  signature: "minimal" | "full";
  appKey: Secret;
  appSecret: Secret;
  now: () => number;
  uuid: () => string;
}

/** All headers of a signed POST. */
export function signedHeaders(path: string, options: SignatureOptions): Record<string, string> {
  // n.b. byte-exact: a space before "charset" is another signature at some gateways.
  const headers: Record<string, string> = {
    Accept: "application/json",
    "Content-Type": "application/json;charset=UTF-8",
    "X-Ca-Key": options.appKey.reveal(),
  };
  const signed = options.signature === "full" ? ["x-ca-key", "x-ca-nonce", "x-ca-timestamp"] : [];
  if (signed.length > 0) {
    headers["X-Ca-Nonce"] = options.uuid();
    headers["X-Ca-Timestamp"] = String(options.now());
    headers["X-Ca-Signature-Headers"] = signed.join(",");
  }
  const signature = sign({ method: "POST", headers, path, signedHeaders: signed, secret: options.appSecret });
  return { ...headers, "X-Ca-Signature": signature };
}
