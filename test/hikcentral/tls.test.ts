import { expect, test } from "bun:test";
import { selfSigned } from "./certificate.ts";
import { clientOf, failureOf, gateway, success } from "./gateway.ts";

const answers = { "person/personCode/personInfo": () => success() };
const own = selfSigned();

test("a certificate that nobody vouches for is a set-up fault that tells its SHA-256 and what to set", async () => {
  const { url, calls } = gateway(answers, own);
  const failure = await failureOf(clientOf(url).hikcentral.personByCode("1a"));
  expect(failure).toMatchObject({ kind: "unavailable", reason: "setup", code: "hikcentral_untrusted" });
  expect(failure.message).toContain(`hikcentral.fingerprint = "${own.sha256}"`);
  expect(failure.message).toContain("hikcentral.ca_file");
  expect(calls).toEqual([]);
});

test("with its certificate as ca it is trusted", async () => {
  const { url } = gateway(answers, own);
  const { client, hikcentral } = clientOf(url, { tls: { ca: own.cert } });
  expect(await hikcentral.personByCode("1a")).toBeUndefined();
  expect(await client.probe(new AbortController().signal)).toBe(true);
});

test("another ca, or a certificate for another name, is not trusted", async () => {
  const { url } = gateway(answers, own);
  const stranger = clientOf(url, { tls: { ca: selfSigned().cert } });
  expect(await failureOf(stranger.hikcentral.personByCode("1a"))).toMatchObject({
    code: "hikcentral_untrusted",
  });
  const named = selfSigned({ host: "elsewhere.example" });
  const elsewhere = clientOf(gateway(answers, named).url, { tls: { ca: named.cert } });
  expect(await failureOf(elsewhere.hikcentral.personByCode("1a"))).toMatchObject({
    code: "hikcentral_untrusted",
  });
});

test("insecure asks for no certificate's word", async () => {
  const { url } = gateway(answers, own);
  expect(await clientOf(url, { tls: { insecure: true } }).hikcentral.personByCode("1a")).toBeUndefined();
});
