import { expect, test } from "bun:test";
import { startSimulators } from "../../src/simulator/start.ts";
import { selfSigned } from "../hikcentral/certificate.ts";
import { lightPortrait } from "../support/portraits.ts";
import { startSite } from "../support/site.ts";
import { startTlsFront } from "../support/tls-front.ts";
import { until } from "../support/until.ts";

const [own, other] = [selfSigned({ host: "elsewhere.example" }), selfSigned()];

test("with its fingerprint a self-signed HikCentral is worked with, over connections that are kept", async () => {
  await using simulators = await startSimulators({ people: 30, portrait: lightPortrait });
  await using front = await startTlsFront(simulators.hikcentral.origin, own);
  const env = { HIKCENTRAL_URL: front.origin, HIKCENTRAL_FINGERPRINT: own.sha256 };
  await using site = await startSite({ as: "binary", simulators, env });
  expect((await site.induct()).through).toBe(30);
  // At the start, or before the first write where HikCentral is slow.
  expect(site.output()).toContain("zona-i → privilege group 1 → Access Gate Zona 1");
  const calls = Object.values(simulators.hikcentral.calls).reduce((sum, count) => sum + count, 0);
  expect(calls).toBeGreaterThan(90);
  // Eight at a time, and one for each face: a connection that has sent a large body is not used again.
  expect(front.handshakes()).toBeLessThan(30 + 20);
});

test("without it, or with another's, nobody is written, and the log has the line that would trust it", async () => {
  await using simulators = await startSimulators({ people: 3 });
  await using front = await startTlsFront(simulators.hikcentral.origin, own);
  const env = { HIKCENTRAL_URL: front.origin, HIKCENTRAL_FINGERPRINT: other.sha256 };
  await using site = await startSite({ as: "binary", simulators, env });
  await until(() => site.output().includes(`hikcentral.fingerprint = "${own.sha256}"`));
  await site.begin();
  await until(async () => JSON.stringify((await site.get("/status")).body).includes("the certificate has changed"), {
    what: "a stage to pause",
  });
  expect(Object.keys(simulators.hikcentral.calls)).toEqual([]);
});
