import { createHmac } from "node:crypto";

export interface Envelope {
  code: string;
  msg: string;
  data: unknown;
}

interface Partner {
  url: string;
  appKey: string;
  appSecret: string;
}

const sign = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("base64");

/** A call signed in the minimal profile. */
export async function call(to: Partner, path: string, body: object): Promise<Envelope> {
  const accept = "application/json";
  const contentType = "application/json;charset=UTF-8";
  const signature = sign(to.appSecret, `POST\n${accept}\n${contentType}\n/artemis/api/${path}`);
  const headers = { accept, "content-type": contentType, "x-ca-key": to.appKey, "x-ca-signature": signature };
  const answer = await fetch(`${to.url}/api/${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Envelope;
}

/** A call signed in the full profile: key, nonce and timestamp too. */
export async function callInFull(to: Partner, path: string, body: object): Promise<Envelope> {
  const own = { "x-ca-key": to.appKey, "x-ca-nonce": crypto.randomUUID(), "x-ca-timestamp": `${Date.now()}` };
  const lines = Object.entries(own).map(([name, value]) => `${name}:${value}`);
  const text = ["POST", "*/*", "application/json", ...lines, `/artemis/api/${path}`].join("\n");
  const headers = {
    accept: "*/*",
    "content-type": "application/json",
    ...own,
    "x-ca-signature-headers": Object.keys(own).join(","),
    "x-ca-signature": sign(to.appSecret, text),
  };
  const answer = await fetch(`${to.url}/api/${path}`, {
    method: "POST",
    headers,
    body: JSON.stringify(body),
  });
  return (await answer.json()) as Envelope;
}

export const person = (more: object = {}) => ({
  personCode: "3500000000000001",
  personGivenName: "Budi",
  personFamilyName: "Contoh Santoso",
  orgIndexCode: "1",
  beginTime: "2026-01-01T00:00:00+07:00",
  endTime: "2030-12-31T23:59:59+07:00",
  ...more,
});
