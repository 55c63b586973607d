import { describe, expect, test } from "bun:test";
import { once } from "node:events";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { selfSigned } from "./certificate.ts";
import { clientOf, closing, failureOf } from "./gateway.ts";

const plain = (sha256: string) => sha256.replaceAll(":", "").toLowerCase();

/** A HikCentral behind TLS that counts the handshakes that came through, and can take on another certificate. */
async function secured(certificate: { key: string; cert: string }, port = 0) {
  let handshakes = 0;
  const server = createServer(certificate, (request, response) => {
    request.resume().on("end", () => response.end('{"code":"0","msg":"Success","data":""}'));
  });
  server.on("secureConnection", () => handshakes++);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const stop = async () => {
    server.closeAllConnections();
    if (server.listening) await new Promise((done) => server.close(done));
  };
  closing({ [Symbol.asyncDispose]: stop });
  const taken = (server.address() as AddressInfo).port;
  return { url: `https://127.0.0.1:${taken}`, port: taken, handshakes: () => handshakes, stop };
}

const certificates = [
  ["that is self-signed", selfSigned()],
  ["for another name than the address", selfSigned({ host: "elsewhere.example" })],
  ["for a wildcard name", selfSigned({ host: "*.elsewhere.example" })],
  ["without a name", selfSigned({ host: "" })],
  ["whose name is no host name", selfSigned({ host: "HikCentral Professional, 2.6" })],
  ["that has expired", selfSigned({ until: "250201" })],
  ["that is not yet valid", selfSigned({ from: "480101" })],
  ["for clients only", selfSigned({ forClients: true })],
] as const;

describe.each(certificates)("a certificate %s", (_, certificate) => {
  test.each([
    ["pinned", { fingerprint: plain(certificate.sha256) }],
    ["in ca_file", { ca: `${selfSigned({ host: "other.example" }).cert}\n${certificate.cert}` }],
  ])("is trusted where it is %s, and twenty calls share a connection", async (_, tls) => {
    const { url, handshakes } = await secured(certificate);
    const { client, hikcentral } = clientOf(url, { tls });
    for (let call = 0; call < 20; call++) expect(await hikcentral.personByCode("1a")).toBeUndefined();
    // With ca_file one tries it in the usual way, and one looks at the certificate.
    expect(handshakes()).toBeLessThanOrEqual(3);
    expect(await client.probe(new AbortController().signal)).toBe(true);
  });
});

test("of many calls at a time over a pin each gets its own answer, and their connections are kept", async () => {
  const own = selfSigned({ until: "250201" });
  const { url, handshakes } = await secured(own);
  const { hikcentral } = clientOf(url, { tls: { fingerprint: plain(own.sha256) }, concurrency: 8 });
  const calls = Array.from({ length: 200 }, () => hikcentral.personByCode("1a"));
  expect(await Promise.all(calls)).toEqual(calls.map(() => undefined));
  expect(handshakes()).toBeLessThanOrEqual(16);
});

test("a ca_file with another certificate does not trust this one, and the text does not advise a ca_file", async () => {
  const own = selfSigned();
  const { url } = await secured(own);
  const failure = await failureOf(
    clientOf(url, { tls: { ca: selfSigned({ host: "other.example" }).cert } }).hikcentral.personByCode("1a"),
  );
  expect(failure).toMatchObject({ kind: "unavailable", reason: "setup", code: "hikcentral_untrusted" });
  expect(failure.message).toContain(
    `compare SHA-256 ${own.sha256} with the certificate that a browser on HikCentral's`,
  );
  expect(failure.message).not.toContain("ca_file");
});

test("another certificate than the pinned one is refused, with its SHA-256 and the line that would trust it", async () => {
  const own = selfSigned();
  const { url } = await secured(own);
  const failure = await failureOf(
    clientOf(url, { tls: { fingerprint: plain(selfSigned().sha256) } }).hikcentral.personByCode("1a"),
  );
  expect(failure).toMatchObject({ kind: "unavailable", reason: "setup", code: "hikcentral_certificate_changed" });
  expect(failure.message).toContain(`hikcentral.fingerprint = "${own.sha256}"`);
});

test("a certificate that changes while the daemon runs is refused, and the old one is trusted when it is back", async () => {
  const [old, fresh] = [selfSigned(), selfSigned()];
  const before = await secured(old);
  const { hikcentral } = clientOf(before.url, { tls: { fingerprint: plain(old.sha256) } });
  expect(await hikcentral.personByCode("1a")).toBeUndefined();
  await before.stop();
  const during = await secured(fresh, before.port);
  const failure = await failureOf(hikcentral.personByCode("1a"));
  expect(failure).toMatchObject({ code: "hikcentral_certificate_changed" });
  expect(failure.message).toContain(fresh.sha256);
  await during.stop();
  await secured(old, before.port);
  expect(await hikcentral.personByCode("1a")).toBeUndefined();
});

test("where nobody listens a pin is no set-up fault: it is looked up again later", async () => {
  const own = selfSigned();
  const { url, port, stop } = await secured(own);
  await stop();
  const { hikcentral } = clientOf(url, { tls: { fingerprint: plain(own.sha256) } });
  expect(await failureOf(hikcentral.personByCode("1a"))).toMatchObject({ code: "hikcentral_unreachable" });
  await secured(own, port);
  expect(await hikcentral.personByCode("1a")).toBeUndefined();
});
