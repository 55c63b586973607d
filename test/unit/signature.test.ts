import { expect, test } from "bun:test";
import { createServer, type IncomingMessage } from "node:http";
import fc from "fast-check";
import { Secret } from "../../src/config/secret.ts";
import { sign } from "../../src/hikcentral/signature.ts";
import { clientOf } from "../hikcentral/gateway.ts";

const secret = new Secret("test-app-secret");

test.each([
  [
    "the original's four lines",
    {
      method: "POST",
      headers: { Accept: "application/json", "Content-Type": "application/json;charset=UTF-8" },
      path: "/artemis/api/resource/v1/person/personId/customFieldsUpdate",
    },
    "83s1RfUrJMULJKPJMF9WtrLTpCoZv5lZd5DslI6kclo=",
  ],
  [
    "key, nonce and time",
    {
      method: "POST",
      headers: {
        Accept: "*/*",
        "Content-Type": "application/json",
        "X-Ca-Timestamp": "1767600000000",
        "X-Ca-Key": "test-app-key",
        "X-Ca-Nonce": "5d0b2b3e-8f0e-4b5e-9d5f-1f2a3b4c5d6e",
      },
      path: "/artemis/api/resource/v1/person/single/add",
      signedHeaders: ["x-ca-timestamp", "x-ca-key", "x-ca-nonce"],
    },
    "cajRNTCxWo1sCcYoleFgPavPL6SucSIXeE9Bbg9vNTs=",
  ],
  [
    "a missing header and parameters",
    {
      method: "GET",
      headers: { Accept: "*/*", "X-Ca-Key": "test-app-key" },
      path: "/artemis/api/example?qa=value1&qb=value2&qc",
      signedHeaders: ["x-ca-key"],
    },
    "7KVSiJMjR8M0vCB4ClBkjvGr9vlsJLhim989gWyq8WU=",
  ],
])("the known signature of %s comes out", (_, signable, signature) => {
  expect(sign({ ...signable, secret })).toBe(signature);
});

test("neither the case of a header's name nor the order of headers changes a signature", () => {
  const headers = fc.uniqueArray(fc.tuple(fc.stringMatching(/^x-[a-z]{1,8}$/), fc.stringMatching(/^\w{0,9}$/)), {
    selector: ([name]) => name,
  });
  fc.assert(
    fc.property(headers, fc.nat(), (list, shift) => {
      const names = list.map(([name]) => name);
      const shuffled = [...list.slice(shift % (list.length + 1)), ...list.slice(0, shift % (list.length + 1))];
      const one = { method: "POST", path: "/artemis/x", secret };
      const upper = shuffled.map(([name, value]) => [name.toUpperCase(), value]);
      expect(sign({ ...one, headers: Object.fromEntries(upper), signedHeaders: [...names].reverse() })).toBe(
        sign({ ...one, headers: Object.fromEntries(list), signedHeaders: names }),
      );
    }),
  );
});

/** The headers of one request, byte for byte as they arrived. */
async function onTheWire(signature: "minimal" | "full") {
  const arrived = Promise.withResolvers<IncomingMessage>();
  await using server = createServer((request, response) => {
    arrived.resolve(request);
    response.end('{"code":"0"}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const { hikcentral } = clientOf(`http://127.0.0.1:${port}`, {
    signature,
    now: () => 1767600000000,
    uuid: () => "5d0b2b3e-8f0e-4b5e-9d5f-1f2a3b4c5d6e",
  });
  await hikcentral.personByCode("1a");
  const request = await arrived.promise;
  const values = new Map<string, string>();
  const { rawHeaders } = request;
  for (let at = 0; at < rawHeaders.length; at += 2)
    values.set(rawHeaders[at]?.toLowerCase() ?? "", rawHeaders[at + 1] ?? "");
  server.closeAllConnections();
  return { path: request.url ?? "", values };
}

test("what goes over the wire is what was signed, byte for byte, in the minimal profile", async () => {
  const { path, values } = await onTheWire("minimal");
  expect(path).toBe("/artemis/api/resource/v1/person/personCode/personInfo");
  expect(values.get("accept")).toBe("application/json");
  expect(values.get("content-type")).toBe("application/json;charset=UTF-8");
  expect(values.get("x-ca-key")).toBe("test-app-key");
  expect(values.has("x-ca-signature-headers")).toBe(false);
  expect(values.get("x-ca-signature")).toBe(
    sign({ method: "POST", headers: Object.fromEntries(values), path, secret }),
  );
});

test("what goes over the wire is what was signed, byte for byte, in the full profile", async () => {
  const { path, values } = await onTheWire("full");
  expect(values.get("x-ca-timestamp")).toBe("1767600000000");
  const signedHeaders = values.get("x-ca-signature-headers")?.split(",") ?? [];
  expect(signedHeaders).toEqual(["x-ca-key", "x-ca-nonce", "x-ca-timestamp"]);
  expect(values.get("x-ca-signature")).toBe(
    sign({ method: "POST", headers: Object.fromEntries(values), path, signedHeaders, secret }),
  );
});
