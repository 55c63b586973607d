import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { selfSigned } from "../hikcentral/certificate.ts";
import { temporaryFolder } from "../support/leaks.ts";
import { startSite } from "../support/site.ts";

const folder = temporaryFolder();
const own = selfSigned();
const file = (name: string, content: string) => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const [cert, key] = [file("own.pem", own.cert), file("own.key", own.key)];

test("with a certificate the port answers over TLS, and the commands need to know nothing of it", async () => {
  await using site = await startSite({ env: { HTTP_CERT_FILE: cert, HTTP_KEY_FILE: key } });
  expect(site.url).toStartWith("https://127.0.0.1:");
  expect((await fetch(`${site.url}/livez`, { tls: { ca: own.cert } })).status).toBe(200);
  await expect(fetch(`${site.url}/livez`)).rejects.toThrow("self signed");
  expect((await site.cli("runs")).exit).toBe(0);
});

test.each([
  ["without its key", { HTTP_CERT_FILE: cert }, "http.key_file is missing: http.cert_file requires it"],
  ["without a certificate", { HTTP_KEY_FILE: key }, "http.cert_file is missing: http.key_file requires it"],
  ["another's key", { HTTP_CERT_FILE: cert, HTTP_KEY_FILE: file("other.key", selfSigned().key) }, "is not the key of"],
  ["no PEM", { HTTP_CERT_FILE: cert, HTTP_KEY_FILE: file("not.key", "rahasia") }, "must be PEM"],
  ["no file", { HTTP_CERT_FILE: cert, HTTP_KEY_FILE: join(folder, "none") }, "cannot be read: ENOENT"],
])("%s is refused by check and at the start, by name", async (_, env, words) => {
  await using site = await startSite({ as: "binary", start: false });
  for (const command of ["check", "serve"]) {
    const { exit, out, err } = await site.cli(command, env);
    expect([exit, out.includes("ok:")]).toEqual([78, false]);
    expect(err).toContain(words);
    expect(err).not.toContain("rahasia");
  }
});
