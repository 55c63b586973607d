import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { createClients } from "../../src/clients.ts";
import { readConfig } from "../../src/config/load.ts";
import { createLog } from "../../src/observability/log.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { makePng } from "../support/png.ts";
import { selfSigned } from "./certificate.ts";
import { clientOf, closing, failureOf, gateway, success } from "./gateway.ts";

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

test("another ca is not trusted", async () => {
  const { url } = gateway(answers, own);
  const stranger = clientOf(url, { tls: { ca: selfSigned().cert } });
  expect(await failureOf(stranger.hikcentral.personByCode("1a"))).toMatchObject({
    code: "hikcentral_untrusted",
  });
});

test.each([
  ["no setting", {}],
  ["another ca", { ca: selfSigned().cert }],
  ["another fingerprint", { fingerprint: "0".repeat(64) }],
])("NODE_TLS_REJECT_UNAUTHORIZED in the environment opens nothing with %s", async (_, tls) => {
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = "0";
  try {
    const { url, calls } = gateway(answers, own);
    const failure = await failureOf(clientOf(url, { tls }).hikcentral.personByCode("1a"));
    expect({ ...failure, calls }).toMatchObject({ kind: "unavailable", reason: "setup", calls: [] });
  } finally {
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
  }
});

test("insecure asks for no certificate's word", async () => {
  const { url } = gateway(answers, own);
  expect(await clientOf(url, { tls: { insecure: true } }).hikcentral.personByCode("1a")).toBeUndefined();
});

test("insecure is shouted when the clients are made", async () => {
  let said = "";
  const log = createLog({ write: (text) => (said += text) });
  const keys = { EPOSH_API_KEY: "test-api-key", EPOSH_APP_ID: "test-app-id", HIKCENTRAL_APP_KEY: "test-key" };
  const env = { EPOSH_URL: "http://127.0.0.1:1/", HIKCENTRAL_URL: "https://127.0.0.1:1", ...keys };
  const more = { HIKCENTRAL_APP_SECRET: "test-secret", HIKCENTRAL_INSECURE: "true" };
  closing(createClients(readConfig({ env: { ...env, ...more }, defaultFile: "/nonexistent" }).config, log));
  expect(said).toContain("HIKCENTRAL'S CERTIFICATE IS NOT CHECKED (hikcentral.insecure)");
});

describe("Eposh and the photo host behind a certificate of their own", () => {
  const photo = makePng({ width: 120, height: 120, rgba: () => [1, 2, 3, 255] });
  const page = { data: [], pagination: { current_page: 1, last_page: 1, total: 0 } };
  const answer = ({ url }: Request) => (url.includes(".png") ? new Response(photo) : Response.json(page));

  /** Asks both as configured. */
  function ask(env: Record<string, string>) {
    const server = Bun.serve({ port: 0, hostname: "127.0.0.1", tls: own, fetch: answer });
    closing({ [Symbol.asyncDispose]: () => server.stop(true) });
    const origin = `https://127.0.0.1:${server.port}`;
    const keys = { EPOSH_API_KEY: "test-api-key", EPOSH_APP_ID: "test-app-id" };
    const hikcentral = { HIKCENTRAL_URL: origin, HIKCENTRAL_APP_KEY: "test-key", HIKCENTRAL_APP_SECRET: "test-secret" };
    const { config } = readConfig({
      env: { EPOSH_URL: `${origin}/x`, ...keys, ...hikcentral, ...env },
      defaultFile: "/nonexistent",
    });
    const { eposh, photos } = closing(createClients(config, createLog({ write: () => true })));
    const { signal } = new AbortController();
    return [
      eposh.for(signal).page("2026-01-05", 1),
      photos.for(signal).fetch(`${origin}/1.png?key=made-up-token`),
    ] as const;
  }

  test("are a set-up fault that tells its SHA-256 and what to set, and no outage", async () => {
    const failures = await Promise.all(ask({}).map(failureOf));
    for (const [at, upstream] of ["eposh", "photo"].entries()) {
      const code = `${upstream}_untrusted`;
      const pauses = { kind: "unavailable", reason: "setup", upstream };
      expect(failures[at]).toMatchObject({ code, ...(upstream === "eposh" ? pauses : { kind: "retry" }) });
      expect(failures[at]?.message).toContain(`if SHA-256 ${own.sha256} is right, set ${upstream}.ca_file`);
      expect(failures[at]?.message).not.toContain("made-up-token");
    }
  });

  test("are trusted once it is in the configured file", async () => {
    const file = join(temporaryFolder(), "ca.pem");
    writeFileSync(file, own.cert);
    const [found, photo] = await Promise.all(ask({ EPOSH_CA_FILE: file, PHOTO_CA_FILE: file }));
    expect(found).toEqual(page);
    expect(photo?.face).toStartWith("/9j/");
  });

  test("need that file to be there", () => {
    expect(() => ask({ PHOTO_CA_FILE: "/nonexistent/ca.pem" })).toThrow(
      "photo.ca_file /nonexistent/ca.pem cannot be read",
    );
  });
});
