import { afterEach } from "bun:test";
import { Secret } from "../../src/config/secret.ts";
import { createHikCentral, type HikCentralOptions } from "../../src/hikcentral/client.ts";

export type Body = Record<string, unknown>;
/** What a call is answered with: a Response as it is, anything else as the whole envelope. */
export type Answer = (body: Body, times: number) => unknown;

const open: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
});
export const closing = <Resource extends AsyncDisposable>(resource: Resource): Resource => {
  open.push(resource);
  return resource;
};

export const success = (data?: unknown) => ({ code: "0", msg: "Success", data });
export const listing = (list: unknown[]) => success({ total: list.length, pageNo: 1, pageSize: 500, list });

const goodSetup: Record<string, Answer> = {
  "person/customFields": () => listing([{ id: "1", customFiledName: "KIB", customFieldType: 1 }]),
  "privilege/group": () => listing([{ privilegeGroupId: "1", privilegeGroupName: "Access Gate Zona 1" }]),
  "org/orgList": () => listing([{ orgIndexCode: "1", orgName: "All Departments" }]),
  version: () => success({ produceName: "HikCentral Professional", softVersion: "V2.6.0" }),
};

/** A HikCentral that says what the test wants, and remembers what it was asked. */
export function gateway(answers: Record<string, Answer>, tls?: { key: string; cert: string }) {
  const calls: { call: string; body: Body }[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    idleTimeout: 0,
    ...(tls ? { tls } : {}),
    async fetch(request) {
      const call = new URL(request.url).pathname.replace(/^\/artemis\/api\/\w+\/v1\//, "");
      const body = (await request.json()) as Body;
      calls.push({ call, body });
      const answer = answers[call] ?? goodSetup[call];
      if (!answer) return Response.json({ code: "12", msg: "no such call" });
      const said = await answer(body, calls.filter((made) => made.call === call).length);
      return said instanceof Response ? said : Response.json(said);
    },
  });
  const stop = () => server.stop(true);
  closing({ [Symbol.asyncDispose]: stop });
  return {
    stop,
    url: `${tls ? "https" : "http"}://127.0.0.1:${server.port}`,
    calls,
    bodies: (call: string) => calls.filter((made) => made.call === call).map(({ body }) => body),
  };
}

export const appKey = "test-app-key";

/** A client of that address, with the log that it wrote. */
export function clientOf(url: string, options: Partial<HikCentralOptions> = {}) {
  const log: string[] = [];
  const client = closing(
    createHikCentral({
      url,
      appKey: new Secret(appKey),
      appSecret: new Secret("test-app-secret"),
      signature: "minimal",
      concurrency: 8,
      timeoutMs: 5000,
      retryPausesMs: [1, 2],
      regionals: { "zona-i": "1" },
      kibField: { id: "1", name: "KIB" },
      log: { info: (text) => log.push(text), warn: (text) => log.push(`warn ${text}`) },
      ...options,
    }),
  );
  return { client, log, hikcentral: client.for(new AbortController().signal) };
}

export const newPerson = {
  personCode: "3500000000000001",
  givenName: "Budi",
  familyName: "Contoh",
  gender: 0,
  organisation: "1",
  remark: "",
  validFrom: "2026-01-05T00:00:00+07:00",
  validUntil: "2030-12-31T00:00:00+07:00",
} as const;

/** How a promise failed. */
export async function failureOf(promise: Promise<unknown>): Promise<Body & Error> {
  try {
    await promise;
  } catch (thrown) {
    return thrown as Body & Error;
  }
  throw new Error("it did not fail");
}
