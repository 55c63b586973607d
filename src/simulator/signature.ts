import { createHash, createHmac } from "node:crypto";
import type { Call } from "./fault-server.ts";

/** The text that the caller should have signed, rebuilt from the headers that arrived: a missing one has no line. */
export function textToSign({ method, url, headers }: Omit<Call, "body">): string {
  const standard = ["accept", "content-md5", "content-type", "date"].map((name) => headers[name]);
  const named = `${headers["x-ca-signature-headers"] ?? ""}`.toLowerCase().split(",").filter(Boolean);
  const own = named.map((name) => name.trim()).map((name) => `${name}:${`${headers[name] ?? ""}`.trim()}`);
  const [path, query] = url.split("?");
  const sorted = query ? `${path}?${query.split("&").sort().join("&")}` : path;
  return [method, ...standard.filter((value) => value !== undefined), ...own.sort(), sorted].join("\n");
}

/** Key missing, key unknown, signature missing, signature wrong: the codes of the two generations of gateway. */
const codes = {
  artemis: ["0x02401000", "0x02401001", "0x02401002", "0x02401003"],
  v3: ["64", "64", "68", "68"],
} as const;
export type Gateway = keyof typeof codes;

/** The code for a wrong signature; undefined for a right one. */
export function signatureFault(call: Call, gateway: Gateway, appKey: string, appSecret: string) {
  const { "x-ca-key": key, "x-ca-signature": signature, "content-md5": md5 } = call.headers;
  const [noKey, unknownKey, noSignature, badSignature] = codes[gateway];
  if (!key) return noKey;
  if (key !== appKey) return unknownKey;
  if (!signature) return noSignature;
  const expected = createHmac("sha256", appSecret).update(textToSign(call)).digest("base64");
  const bodyAsSigned = !md5 || md5 === createHash("md5").update(call.body).digest("base64");
  return signature === expected && bodyAsSigned ? undefined : badSignature;
}
